import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { cloudTrailSource } from '../../../producer/sources/cloudtrail.js';
import { eventSource } from '../../../producer/sources/event.js';
import { ElementSplitter } from '../../../producer/sources/json-elements.js';
import type { Sourced } from '../../../producer/sources/source.js';
import { completeEvent, encodeEvent } from '../../../schemas/codec.js';
import { all, chunks } from './chunks.js';

const fixtures = fileURLToPath(new URL('../../../../test/fixtures/', import.meta.url));

/** A source never throws, and what it calls an event can be published. */
function checkItems(items: readonly Sourced[], name: string): void {
  for (const item of items) {
    assert.ok(item.place.startsWith(name));
    if ('error' in item) {
      assert.equal(item.error.code, 'input-invalid');
      assert.ok(item.error.message.startsWith(name), item.error.message);
    } else {
      const filled = { event_id: '11111111-2222-4333-8444-555555555555', occurred_at: 0n };
      assert.ok(encodeEvent(completeEvent({ ...filled, ...item.event })).length > 0);
    }
  }
}

const changes = fc.array(
  fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), drop: fc.nat({ max: 40 }) }),
  { minLength: 1, maxLength: 3 },
);

function changed(bytes: Uint8Array, edits: readonly { at: number; byte: number; drop: number }[]) {
  const copy = [...bytes];
  for (const { at, byte, drop } of edits) {
    copy.splice(at % copy.length, drop > 20 ? drop - 20 : 1, byte);
  }
  return Uint8Array.from(copy);
}

test('changed files bring events and errors, and never a crash', async () => {
  const files = [
    ['cloudtrail/mixed.json', cloudTrailSource],
    ['cloudtrail/mixed.json.gz', cloudTrailSource],
    ['cloudtrail/damaged.json', cloudTrailSource],
    ['events/mixed.ndjson', eventSource],
  ] as const;
  for (const [file, source] of files) {
    const bytes = readFileSync(`${fixtures}${file}`);
    await fc.assert(
      fc.asyncProperty(changes, async (edits) => {
        checkItems(await all(source(chunks(changed(bytes, edits), 777), 'file')), 'file');
      }),
      { numRuns: 150 },
    );
  }
});

test('any list of JSON values is split into those values, at any chunking', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.integer({ min: 1, max: 9 }), (values, size) => {
      const bytes = Buffer.from(JSON.stringify({ Records: values }, null, size % 3));
      const splitter = new ElementSplitter('Records', { maxBytes: 1 << 20, maxDepth: 100 });
      const found: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        for (const element of splitter.push(bytes.subarray(at, at + size))) {
          assert.equal(element.index, found.length);
          found.push(JSON.parse(Buffer.from(element.bytes ?? []).toString()));
        }
      }
      splitter.end();
      assert.deepEqual(found, JSON.parse(JSON.stringify(values)));
    }),
    { numRuns: 300 },
  );
});

test('blanks without end around the records are skipped', async () => {
  const blanks = Buffer.alloc(4_000_000, ' ');
  const bytes = Buffer.concat([Buffer.from('{"Records":['), blanks, Buffer.from(']'), blanks]);
  const items = await all(
    cloudTrailSource(chunks(Buffer.concat([bytes, Buffer.from('}')]), 65_536), 'x'),
  );
  assert.deepEqual(items, []);
});
