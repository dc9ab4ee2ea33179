import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  completeEvent,
  encodeCompleted,
  type FilledFields,
  writeEvent,
} from '../../../schemas/codec.js';
import type { AuditEventInput } from '../../../schemas/generated.js';
import { Scratch } from '../../../schemas/scratch.js';
import { anyInput, anyLong, anyOddInput } from './event-arbitrary.js';
import { sampleEvent } from './sample.js';

const FILLED: FilledFields = {
  event_id: '0197b3a2-7c10-7c3e-9b1a-5f2a6f3d9e01',
  occurred_at: 1_688_990_106_123_000,
  origin: { source: '/s', instance_id: 'i', epoch: 1n << 60n, sequence: 7n, library: 'l/1' },
};

/** In two steps: complete, then avsc. Or the error. */
function slowly(input: AuditEventInput, filled: FilledFields): Uint8Array | Error {
  try {
    return encodeCompleted(completeEvent({ ...input, ...filled } as AuditEventInput));
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
}

const out = new Scratch();

function quickly(input: AuditEventInput, filled: FilledFields): Buffer | null {
  out.reset();
  return writeEvent(input, filled, out) ? Buffer.from(out.written()) : null;
}

test('every input that the types allow is written in one pass, as completed and by avsc', () => {
  const filled = fc.record({ event_id: fc.uuid(), occurred_at: anyLong, sequence: anyLong });
  fc.assert(
    fc.property(anyInput, filled, (input, { event_id, occurred_at, sequence }) => {
      const origin = { source: '/s', instance_id: 'é', epoch: -1n, sequence, library: null };
      const bytes = slowly(input, { event_id, occurred_at, origin });
      assert.ok(bytes instanceof Uint8Array, String(bytes));
      assert.deepEqual(quickly(input, { event_id, occurred_at, origin }), Buffer.from(bytes));
    }),
    { numRuns: 1500 },
  );
});

test('nothing is written otherwise, and nothing that would be refused', () => {
  let [written, refused] = [0, 0];
  fc.assert(
    fc.property(anyOddInput, (input) => {
      const bytes = slowly(input, FILLED);
      const quick = quickly(input, FILLED);
      if (bytes instanceof Error) {
        refused++;
        assert.equal(quick, null, bytes.message);
      } else if (quick !== null) {
        written++;
        assert.deepEqual(quick, Buffer.from(bytes));
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(written > 100 && refused > 100, `${written} written, ${refused} refused`);
});

test('a whole event, its fields left out one by one, or there and undefined', () => {
  const event = sampleEvent();
  for (const name of Object.keys(event)) {
    for (const change of [{ [name]: undefined }, { [name]: null }]) {
      const input = { ...event, ...change };
      const bytes = slowly(input as AuditEventInput, FILLED);
      const quick = quickly(input as AuditEventInput, FILLED);
      assert.deepEqual(quick, bytes instanceof Error ? null : Buffer.from(bytes), name);
    }
  }
});

test('objects of classes keep to their own fields', () => {
  class Derived {
    action = 'a';
    get tenant_id(): string {
      return 'inherited';
    }
  }
  assert.equal(quickly(new Derived(), FILLED), null);
  const inherited = Object.create({ tenant_id: 't' }, {}) as AuditEventInput;
  Object.assign(inherited, { action: 'a' });
  assert.equal(quickly(inherited, FILLED), null);
  const hidden = { action: 'a' };
  Object.defineProperty(hidden, 'tenant_id', { value: 't', enumerable: false });
  assert.equal(quickly(hidden, FILLED), null);
});

test('numbers around the ends of what a double holds', () => {
  const around = [0n, 1n << 28n, 1n << 31n, 1n << 32n, 1n << 52n, 1n << 53n, 1n << 62n, 1n << 63n];
  for (const middle of around) {
    for (let number = middle - 3n; number < middle + 3n; number++) {
      for (const value of [number, -number]) {
        const numbers = Number.isSafeInteger(Number(value)) ? [value, Number(value)] : [value];
        for (const occurred_at of numbers) {
          const bytes = slowly({ action: 'a' }, { ...FILLED, occurred_at });
          const quick = quickly({ action: 'a' }, { ...FILLED, occurred_at });
          assert.deepEqual(quick, bytes instanceof Error ? null : Buffer.from(bytes));
        }
      }
    }
  }
});

test('a scratch that has grown far is given back', () => {
  const large = { action: 'a', attributes: { note: '€'.repeat(1_000_000) } };
  const bytes = slowly(large, FILLED);
  assert.ok(bytes instanceof Uint8Array);
  assert.ok(quickly(large, FILLED)?.equals(bytes));
  assert.ok(out.bytes.length > 3_000_000);
  out.reset();
  assert.ok(out.bytes.length < 10_000);
});
