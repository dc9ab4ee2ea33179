import fc from 'fast-check';
import type { AuditEventInput } from '../../../schemas/generated.js';

/** Text of every length class and script, no half surrogates. */
const text = fc.oneof(
  { weight: 5, arbitrary: fc.string({ maxLength: 12 }) },
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc
    .record({ piece: fc.constantFrom('a', 'é', '€', '🚲', 'ab€'), times: fc.nat(9000) })
    .map(({ piece, times }) => piece.repeat(times)),
  fc.integer({ min: 40, max: 70 }).map((length) => 'x'.repeat(length)),
);
const optional = fc.option(text, { nil: null });
const INT64 = { min: -(1n << 63n), max: (1n << 63n) - 1n };
/** A 64-bit number in each form that is taken. */
export const anyLong: fc.Arbitrary<bigint | number | string> = fc.oneof(
  fc.bigInt(INT64),
  fc.bigInt({ min: -(1n << 53n), max: 1n << 53n }),
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 20_000 }),
  fc.bigInt(INT64).map(String),
);
const anyTime = fc.oneof(
  anyLong,
  fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
  fc.date({ min: new Date(0), noInvalidDate: true, max: new Date('9999-12-31') }).map(isoText),
);

function isoText(date: Date): string {
  return date.toISOString();
}

const action = fc.stringMatching(/^[A-Za-z0-9_:/-]{1,9}(\.[A-Za-z0-9_:/-]{1,9}){0,3}$/);
const attributes = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_.-]{0,30}$/), text, {
  maxKeys: 4,
});
const resource = fc.record(
  { type: text, id: text, parent: optional, version: optional },
  { requiredKeys: ['type', 'id'] },
);
const change = fc.record(
  {
    resource: fc.constant(0),
    path: text,
    before: optional,
    after: optional,
    redacted: fc.boolean(),
  },
  { requiredKeys: ['path'] },
);
const actor = fc.record(
  {
    type: fc.constantFrom('UNKNOWN', 'USER', 'SERVICE', 'SYSTEM', 'ANONYMOUS'),
    id: text,
    display: optional,
    session_id: optional,
    credential_id: optional,
    on_behalf_of: optional,
    roles: fc.array(text, { maxLength: 3 }),
  },
  { requiredKeys: ['id'] },
);
const traceparent = fc.oneof(
  optional,
  fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
);
const context = fc.record(
  {
    traceparent,
    correlation_id: optional,
    causation_id: optional,
    request_id: optional,
    client_ip: optional,
    user_agent: optional,
    policy: optional,
    justification: optional,
  },
  { requiredKeys: [] },
);
const sealed = fc.record({
  path: text,
  key_id: text,
  alg: fc.constantFrom('UNKNOWN', 'A256GCM'),
  nonce: fc.uint8Array({ maxLength: 12 }),
  ciphertext: fc.uint8Array({ maxLength: 100 }),
});

/** What the types let a caller give to `publish`, every field there or not. */
export const anyInput = fc.record(
  {
    event_id: fc.uuid(),
    tenant_id: text,
    occurred_at: anyTime,
    action,
    category: fc.constantFrom('UNKNOWN', 'ENTITY_CHANGE', 'SYSTEM'),
    operation: fc.constantFrom('UNKNOWN', 'OTHER', 'GRANT'),
    outcome: fc.record(
      { status: fc.constantFrom('UNKNOWN', 'ATTEMPTED'), code: optional, detail: optional },
      { requiredKeys: [] },
    ),
    actor,
    resources: fc.array(resource, { maxLength: 3 }),
    changes: fc.array(change, { maxLength: 3 }),
    context,
    origin: fc.record({ source: fc.constantFrom('', '/other', 'é') }, { requiredKeys: [] }),
    sealed: fc.array(sealed, { maxLength: 2 }),
    attributes,
  },
  { requiredKeys: ['action'], noNullPrototype: true },
) as fc.Arbitrary<AuditEventInput>;

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, '', 0, -0, Number.NaN, 1.5, 2 ** 53, true, [], {}),
  fc.constantFrom<unknown>('\ud800', 'a\udc00', 'x'.repeat(300), `${'x'.repeat(60)}\ud800`),
  fc.constantFrom<unknown>(
    1n << 63n,
    -1n,
    new Date(Number.NaN),
    new Map(),
    'AQID',
    new Uint8Array(2),
  ),
  fc.constantFrom<unknown>([undefined], new Array(2), [null], ['a'], { a: 'b' }, { A: 'b' }),
  fc.constantFrom<unknown>(JSON.parse('{"__proto__":"x"}'), Object.create({ a: 'b', id: 'c' })),
  fc.constantFrom<unknown>({ type: 't', id: 'i' }, [{ type: 't', id: 'i', other: 1 }], 2 ** 31),
  fc.constantFrom<unknown>([{ path: '/', resource: 3 }], [{ path: '/', resource: -1 }], '2020'),
  fc.constantFrom<unknown>('2020-02-30T00:00:00Z', '2020-01-01T00:00:00.123456789+01:00', '01'),
  fc.anything(),
);

interface Mutation {
  readonly steps: readonly number[];
  readonly value: unknown;
  readonly name: string | null;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  steps: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
  value: odd,
  name: fc.option(fc.constantFrom('colour', 'event_id', 'toString', 'actor', 'a/b', '__proto__')),
});

/** An input one of whose fields, however deep, is what no type would let pass, or may be. */
export const anyOddInput = fc
  .tuple(anyInput, mutation)
  .map(([input, change]) => mutated(input, change)) as fc.Arbitrary<AuditEventInput>;

function mutated(value: unknown, { steps, value: odd, name }: Mutation): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof value !== 'object' || value === null) return odd;
  if (value instanceof Date || value instanceof Uint8Array) return odd;
  const copy: unknown = Array.isArray(value) ? [...value] : { ...value };
  const keys = Object.keys(value);
  const key = name !== null && rest.length === 0 ? name : (keys[step % keys.length] ?? 'more');
  const inner = mutated(Reflect.get(value, key), { steps: rest, value: odd, name });
  // As JSON.parse does it: `__proto__` is a field like any other.
  const field = { value: inner, enumerable: true, writable: true, configurable: true };
  return Object.defineProperty(copy as object, key, field);
}
