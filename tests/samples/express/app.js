'use strict';

const express = require('express');

const app = express();

app.get('/', (request, response) => {
  response.json({ release: process.env.RELEASE, greeting: process.env.GREETING });
});

app.get('/events', (request, response) => {
  response.set('Content-Type', 'text/event-stream');
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    response.write(`data: ${sent}\n\n`);
    if (sent === 3) {
      clearInterval(timer);
      response.end();
    }
  }, 200);
});

module.exports = { app };
