import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealstreamError } from '../../../ledger/error.js';
import { USUAL_LIMITS } from '../../../schemas/allowance.js';
import { encodeCompleted, eventWriter, fillEvent } from '../../../schemas/codec.js';
import type { Filling } from '../../../schemas/event-writer.js';
import type { AuditEventInput } from '../../../schemas/generated.js';
import { Scratch } from '../../../schemas/scratch.js';
import { anyInput, anyLong, anyOddInput } from './event-arbitrary.js';
import { sampleEvent } from './sample.js';

interface Filled {
  readonly event_id: unknown;
  readonly occurred_at: unknown;
  readonly origin: unknown;
}

const FILLED: Filled = {
  event_id: '0197b3a2-7c10-7c3e-9b1a-5f2a6f3d9e01',
  occurred_at: 1_688_990_106_123_000,
  origin: { source: '/s', instance_id: 'i', epoch: 1n << 60n, sequence: 7n, library: 'l/1' },
};

let filled = FILLED;
const filling: Filling = {
  event_id: (given) => given ?? filled.event_id,
  occurred_at: (given) => given ?? filled.occurred_at,
  origin: () => filled.origin,
};

/** In two steps: complete, then avsc. Or the error. */
function slowly(input: AuditEventInput, put: Filled): Uint8Array | Error {
  filled = put;
  try {
    return encodeCompleted(fillEvent(input, filling, USUAL_LIMITS));
  } catch (error) {
    assert.ok(error instanceof SealstreamError && error.code === 'event-invalid', String(error));
    return error;
  }
}

const out = new Scratch();
const writer = eventWriter(filling);

function quickly(input: AuditEventInput, put: Filled): Buffer | null {
  filled = put;
  out.reset();
  return writer.write(input, out) ? Buffer.from(out.written()) : null;
}

/** Refused by both, or the same bytes by both: then true. */
function agree(input: AuditEventInput, filled = FILLED): boolean {
  const bytes = slowly(input, filled);
  const quick = quickly(input, filled);
  const refused = bytes instanceof Error;
  assert.deepEqual(quick, refused ? null : Buffer.from(bytes));
  return !refused;
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

test('text of every length, one character of it of any kind, anywhere', () => {
  for (let length = 1; length <= 70; length++) {
    for (const odd of ['x', '\x7f', '\x80', 'é', '€', '\ud800', '\udfff', '🚲', '\udc00\ud800']) {
      for (const at of [0, length >> 1, length - 1]) {
        const note = 'x'.repeat(at) + odd + 'x'.repeat(length - 1 - at);
        agree({ action: 'a', attributes: { note }, actor: { id: note, display: note } });
      }
    }
  }
});

test('attribute keys of every kind, seen for the first time and again', () => {
  const key = fc.oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^[a-z][a-z0-9_.-]{0,64}$/) },
    fc.constantFrom('__proto__', 'constructor', 'a\ud800', 'é', 'aé', 'A', '', 'a'.repeat(65), '7'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const entry = fc.tuple(key, fc.constantFrom<unknown>('', 'text', 'é', '\ud800', 1, null));
  let [written, refused] = [0, 0];
  fc.assert(
    fc.property(
      fc.array(fc.oneof(entry, fc.tuple(key, fc.constant('v'))), { maxLength: 4 }),
      (entries) => {
        // As JSON.parse does it: `__proto__` is a key like any other.
        const attributes = Object.fromEntries(entries) as Record<string, string>;
        for (let time = 0; time < 2; time++) {
          if (agree({ action: 'a', attributes })) written++;
          else refused++;
        }
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(written > 100 && refused > 100, `${written} written, ${refused} refused`);
});

test('more different attribute keys than are kept', () => {
  for (let at = 0; at < 3000; at += 3) {
    const attributes = { usual: 'v', [`k${at}`]: 'v', [`k${at + 1}`]: 'v', [`k${at + 2}`]: 'v' };
    assert.ok(agree({ action: 'a', attributes }));
  }
  assert.ok(!agree({ action: 'a', attributes: { usual: 'v', Usual: 'v' } }));
});

test('UUIDs of either case, and one character wrong anywhere', () => {
  const right = '0197B3a2-7c10-7c3e-9b1a-5f2a6f3d9eFf';
  assert.ok(agree({ action: 'a' }, { ...FILLED, event_id: right }));
  for (let at = 0; at <= 36; at++) {
    for (const wrong of ['', '-', 'g', '0', ' ', 'é', '\ud800', '00']) {
      const event_id = right.slice(0, at) + wrong + right.slice(at + 1);
      agree({ action: 'a' }, { ...FILLED, event_id });
    }
  }
});

test('inherited attributes are no attributes', () => {
  const attributes = Object.assign(Object.create({ Inherited: 'v' }), { own: 'v' });
  assert.ok(agree({ action: 'a', attributes }));
});

test('an object of a class is what its fields and getters show', () => {
  class Derived {
    action = 'a';
    get tenant_id(): string {
      return 'shown';
    }
  }
  class More extends Derived {
    colour = 'red';
  }
  const shown = slowly({ action: 'a', tenant_id: 'shown' }, FILLED);
  assert.ok(shown instanceof Uint8Array);
  assert.deepEqual(quickly(new Derived(), FILLED), Buffer.from(shown));
  assert.ok(agree(new Derived()));
  assert.ok(!agree(new More()));
  const hidden = { action: 'a' };
  Object.defineProperty(hidden, 'tenant_id', { value: 'shown', enumerable: false });
  assert.deepEqual(slowly(hidden, FILLED), shown);
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
