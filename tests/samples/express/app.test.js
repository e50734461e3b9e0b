'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');

const { app } = require('./app.js');

test('the server answers with its release', async () => {
  const server = app.listen(0);
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);

  assert.equal(answer.status, 200);
  server.close();
});
