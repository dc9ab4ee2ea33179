import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventSource } from '../../../producer/sources/event.js';
import { type Line, readLines } from '../../../producer/sources/lines.js';
import type { Sourced } from '../../../producer/sources/source.js';
import { completeEvent } from '../../../schemas/codec.js';
import { toJson } from '../../../schemas/json.js';
import { sampleEvent } from '../schemas/sample.js';
import { all, chunks } from './chunks.js';

const folder = fileURLToPath(new URL('../../../../test/fixtures/events/', import.meta.url));

test('every line of a good file is an event with its place', async () => {
  const items = await all(eventSource(createReadStream(`${folder}good.ndjson`), 'good.ndjson'));
  assert.deepEqual(
    items.map((item) => [item.place, 'event' in item ? item.event.action : item.error.message]),
    [
      ['good.ndjson:1', 'invoice.approve'],
      ['good.ndjson:2', 'session.login'],
      ['good.ndjson:3', 'report.export'],
    ],
  );
});

test('bad lines are reported with file and line, and the rest goes on', async () => {
  const items = await all(eventSource(createReadStream(`${folder}mixed.ndjson`), 'mixed.ndjson'));
  const told = items.map((item: Sourced) => ('event' in item ? item.event.action : item.error));
  assert.deepEqual([told[0], told.at(-1)], ['invoice.approve', 'report.export']);
  assert.equal(items.at(-1)?.place, 'mixed.ndjson:8');
  const expected: readonly (readonly [number, RegExp])[] = [
    [3, /JSON/],
    [4, /\/action is missing/],
    [5, /\/actor\/id must be text, not number/],
    [6, /no UTF-8/],
    [7, /the event must be an object, not number/],
  ];
  assert.equal(items.length, 2 + expected.length);
  expected.forEach(([line, message], at) => {
    const item = items[at + 1];
    assert.ok(item !== undefined && 'error' in item);
    assert.equal(item.place, `mixed.ndjson:${line}`);
    assert.equal(item.error.code, 'input-invalid');
    assert.ok(item.error.message.startsWith(`mixed.ndjson:${line}: `), item.error.message);
    assert.match(item.error.message, message);
  });
});

test('what toJson writes is read as the same event', async () => {
  const event = sampleEvent();
  const line = `${JSON.stringify(toJson(event))}\r\n`;
  const [item] = await all(eventSource(chunks(Buffer.from(line), 7), 'x'));
  assert.ok(item !== undefined && 'event' in item);
  assert.deepEqual(toJson(completeEvent(item.event)), toJson(event));
});

test('a line beyond the limit is reported, not kept, and the next one is read', async () => {
  const text = `{"action":"${'x'.repeat(5000)}"}\n{"action":"b"}\n`;
  const items = await all(eventSource(chunks(Buffer.from(text), 100), 'x', { maxLineBytes: 1000 }));
  assert.equal(items.length, 2);
  assert.ok(items[0] !== undefined && 'error' in items[0]);
  assert.match(items[0].error.message, /^x:1: the line is longer than 1000 bytes$/);
  assert.equal(items[1]?.place, 'x:2');
});

test('an input that cannot be read is an error of its own', async () => {
  const items = await all(eventSource(createReadStream('/nonexistent/file'), 'gone'));
  assert.equal(items.length, 1);
  assert.ok(items[0] !== undefined && 'error' in items[0]);
  assert.match(items[0].error.message, /^gone: cannot be read: ENOENT/);
});

test('lines are the same however the bytes arrive', async () => {
  const bytes = Buffer.from('a\n\nbcd\r\n123456\nend');
  const whole = ['a', '', 'bcd\r', null, 'end'];
  for (let size = 1; size <= bytes.length; size++) {
    const lines: Line[] = await all(readLines(chunks(bytes, size), 5));
    assert.deepEqual(
      lines.map((line) => (line.bytes === null ? null : `${Buffer.from(line.bytes)}`)),
      whole,
    );
    assert.deepEqual(
      lines.map((line) => line.number),
      [1, 2, 3, 4, 5],
    );
  }
});
