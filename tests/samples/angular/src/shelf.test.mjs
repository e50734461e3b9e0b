import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

test('the page has a place for the shelf', () => {
  assert.match(readFileSync('src/index.html', 'utf8'), /app-shelf/);
});
