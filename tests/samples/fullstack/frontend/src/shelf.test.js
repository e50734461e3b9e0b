import assert from 'node:assert/strict';
import test from 'node:test';

import { shelf } from './shelf.js';

test('a shelf counts its books', () => {
  assert.equal(shelf(['one']), '1 books');
});
