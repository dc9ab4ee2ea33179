import type { SealstreamError } from '../ledger/error.js';
import { invalid } from './invalid.js';
import type { FieldModel, Model, RecordModel } from './model.js';
import { microsOf } from './time.js';
import { isUuid } from './uuid.js';

/**
 * A value as its schema wants it: types checked, defaults filled in, unknown fields refused, each
 * failure with its JSON Pointer. Longs may come as bigint, safe integer or decimal text, timestamps
 * also as Date or ISO 8601 text, bytes also as base64.
 */
export interface CompleteOptions {
  /** Leave fields out that the publisher fills, instead of refusing their absence. */
  readonly allowUnfilled: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const DECIMAL = /^(?:0|-?[1-9][0-9]{0,18})$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONG_LIMIT = 1n << 63n;
const INT_LIMIT = 2 ** 31;

/** `value` as a complete record. Throws `event-invalid`, its message starting with the path. */
export function completeRecord(
  model: RecordModel,
  value: unknown,
  options: CompleteOptions,
  path = '',
): Record<string, unknown> {
  const given = fieldsOf(value, path);
  const complete: Record<string, unknown> = {};
  let known = 0;
  for (const field of model.fields) {
    const own = given[field.name];
    const at = `${path}/${field.name}`;
    if (Object.hasOwn(given, field.name)) known++;
    if (own !== undefined) complete[field.name] = completeValue(field.type, own, options, at);
    else if (field.fallback !== undefined) {
      complete[field.name] = fallbackOf(field, options, at);
    } else if (!(field.filled && options.allowUnfilled)) {
      throw invalid(at, 'is missing');
    }
  }
  if (known !== Object.keys(given).length) refuseUnknown(model, given, path);
  return complete;
}

const fallbacks = new WeakMap<FieldModel, unknown>();

/** Made once for all records, hence frozen. */
function fallbackOf(field: FieldModel, options: CompleteOptions, path: string): unknown {
  let value = fallbacks.get(field);
  if (value === undefined) {
    value = frozen(completeValue(field.type, field.fallback, options, path));
    fallbacks.set(field, value);
  }
  return value;
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

function refuseUnknown(model: RecordModel, given: Fields, path: string): never {
  const names = new Set(model.fields.map((field) => field.name));
  const unknown = Object.keys(given).find((name) => !names.has(name)) ?? '';
  throw invalid(
    `${path}/${pointerToken(unknown)}`,
    `is no field of ${model.name}; extras belong in /attributes`,
  );
}

function completeValue(
  model: Model,
  value: unknown,
  options: CompleteOptions,
  path: string,
): unknown {
  switch (model.kind) {
    case 'record':
      return completeRecord(model, value, options, path);
    case 'nullable':
      return value === null ? null : completeValue(model.of, value, options, path);
    case 'array':
      if (!Array.isArray(value)) throw wrong(path, 'an array', value);
      return value.map((item, at) => completeValue(model.items, item, options, `${path}/${at}`));
    case 'map':
      return completeMap(model.values, value, options, path);
    case 'enum':
      if (typeof value === 'string' && model.symbols.includes(value)) return value;
      throw wrong(path, `one of ${model.symbols.join(', ')}`, value);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw wrong(path, 'true or false', value);
    case 'int':
      if (isInt(value)) return value;
      throw wrong(path, 'a 32-bit whole number', value);
    case 'long':
      return completeLong(value, model.logicalType === 'timestamp-micros', path);
    case 'string':
      return completeText(value, model.logicalType === 'uuid', path);
    case 'bytes':
      return completeBytes(value, path);
  }
}

function completeMap(
  values: Model,
  value: unknown,
  options: CompleteOptions,
  path: string,
): Record<string, unknown> {
  const entries = Object.entries(fieldsOf(value, path)).map(([key, item]) => {
    const at = `${path}/${pointerToken(key)}`;
    if (key === '__proto__') throw invalid(at, 'is no key that a map may have');
    completeText(key, false, at);
    return [key, completeValue(values, item, options, at)];
  });
  return Object.fromEntries(entries);
}

function completeText(value: unknown, uuid: boolean, path: string): string {
  if (typeof value !== 'string') throw wrong(path, uuid ? 'a UUID' : 'text', value);
  if (uuid && !isUuid(value)) throw wrong(path, 'a UUID', value);
  if (LONE_SURROGATE.test(value)) throw invalid(path, 'has half a surrogate pair: no Unicode text');
  return value;
}

function completeLong(value: unknown, timestamp: boolean, path: string): bigint {
  const long = longOf(value, timestamp);
  if (long !== null) return long;
  throw wrong(
    path,
    timestamp
      ? 'a time: ISO 8601 with seconds and zone, or whole microseconds since 1970'
      : 'a 64-bit whole number (beyond 2^53 as bigint or text)',
    value,
  );
}

/** null where `value` is no 64-bit number, or no time. */
export function longOf(value: unknown, timestamp: boolean): bigint | null {
  let long: bigint | null = null;
  if (typeof value === 'bigint') long = value;
  else if (Number.isSafeInteger(value)) long = BigInt(value as number);
  else if (typeof value === 'string' && DECIMAL.test(value)) long = BigInt(value);
  else if (timestamp) long = microsOf(value);
  return long !== null && long >= -LONG_LIMIT && long < LONG_LIMIT ? long : null;
}

export function isInt(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value) + 0.5) < INT_LIMIT;
}

function completeBytes(value: unknown, path: string): Buffer {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'base64');
    if (bytes.toString('base64') === value) return bytes;
  }
  throw wrong(path, 'bytes, or base64 with padding', value);
}

function fieldsOf(value: unknown, path: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(path === '' ? 'the event' : path, 'an object', value);
}

function pointerToken(key: string): string {
  return key.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Says the type that came and not the value, which may be personal. */
function wrong(path: string, expected: string, value: unknown): SealstreamError {
  const what = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  const got = typeof value === 'string' ? 'other text' : what;
  return invalid(path, `must be ${expected}, not ${got}`);
}
