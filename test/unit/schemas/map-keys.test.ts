import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MapKeys } from '../../../schemas/map-keys.js';
import { Scratch } from '../../../schemas/scratch.js';
import { avroType } from '../../../schemas/type.js';

const avroText = avroType('"string"');
const out = new Scratch();

function written(keys: MapKeys, key: string): Buffer | null {
  out.reset();
  return keys.write(key, out) ? Buffer.from(out.written()) : null;
}

test('a key is written as Avro writes text, the first time and later', () => {
  const keys = new MapKeys(() => true);
  const key = fc.oneof(
    fc.constantFrom('', 'constructor', 'toString', '__proto', 'é'.repeat(40), 'x'.repeat(9000)),
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.string({ unit: 'grapheme-ascii', maxLength: 80 }),
  );
  fc.assert(
    fc.property(key, (key) => {
      // Refused, as the tests below say.
      fc.pre(key !== '__proto__');
      const bytes = avroText.toBuffer(key);
      for (let time = 0; time < 3; time++) assert.deepEqual(written(keys, key), bytes);
    }),
    { numRuns: 500 },
  );
});

test('what is kept is not what was written, which the next record writes over', () => {
  const keys = new MapKeys(() => true);
  assert.equal(written(keys, 'first')?.toString(), '\nfirst');
  out.reset();
  out.raw(Buffer.alloc(100));
  assert.equal(written(keys, 'first')?.toString(), '\nfirst');
});

test('what may not be a key is refused each time, and not kept', () => {
  const keys = new MapKeys((key) => !key.startsWith('A'));
  for (const key of ['__proto__', 'Ab', '\ud800', 'a\udc00', `${'x'.repeat(30)}\ud800`]) {
    for (let time = 0; time < 3; time++) assert.equal(written(keys, key), null, key);
  }
  assert.equal(keys.kept, 0);
});

test('keys made to differ take bounded memory, and the usual ones are still right', () => {
  const keys = new MapKeys(() => true);
  let most = 0;
  for (let at = 0; at < 5000; at++) {
    const key = `hostile.${at}`;
    assert.deepEqual(written(keys, key), avroText.toBuffer(key));
    assert.deepEqual(written(keys, 'usual'), avroText.toBuffer('usual'));
    most = Math.max(most, keys.kept);
  }
  assert.equal(most, 1024);
  const kept = keys.kept;
  written(keys, 'x'.repeat(65));
  assert.equal(keys.kept, kept);
});
