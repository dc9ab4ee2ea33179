import type { SealstreamError } from '../ledger/error.js';
import { copyOfBytes, isBytes, isList, Looker, lengthOfBytes, typeName } from '../ledger/given.js';
import type { Allowance } from './allowance.js';
import { invalid } from './invalid.js';
import type { FieldModel, Model, RecordModel } from './model.js';
import { microsOf } from './time.js';
import { isUuid } from './uuid.js';

/**
 * A value as its schema wants it: types checked, defaults filled in, unknown fields refused, each
 * failure with its JSON Pointer. Longs may come as bigint, safe integer or decimal text, timestamps
 * also as Date or ISO 8601 text, bytes also as base64. What is given is read once, and copied.
 */
export interface CompleteOptions {
  /** Leave fields out that the publisher fills, instead of refusing their absence. */
  readonly allowUnfilled: boolean;
  /** How much is looked at. */
  readonly allowance: Allowance;
  /** By field of the outermost record: what to put for what was given, undefined for nothing. */
  readonly fill?: Readonly<Record<string, (given: unknown) => unknown>>;
}

const DECIMAL = /^(?:0|-?[1-9][0-9]{0,18})$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONG_LIMIT = 1n << 63n;
const INT_LIMIT = 2 ** 31;
/** A time with nine decimals and a zone has 35 characters. */
const LONGEST_NUMBER = 40;

const looker = new Looker(invalid);

/** `value` as a complete record. Throws `event-invalid`, its message starting with the path. */
export function completeRecord(
  model: RecordModel,
  value: unknown,
  options: CompleteOptions,
): Record<string, unknown> {
  return recordOf(model, value, options, '', options.fill);
}

function recordOf(
  model: RecordModel,
  value: unknown,
  options: CompleteOptions,
  path: string,
  fill?: CompleteOptions['fill'],
): Record<string, unknown> {
  const given = objectOf(value, path);
  const names = looker.keys(given, path);
  const complete: Record<string, unknown> = {};
  let isShown = names.length > 0;
  for (const field of model.fields) {
    const at = `${path}/${field.name}`;
    const own = looker.field(given, field.name, at);
    isShown ||= own !== undefined;
    const completed = completeField(field, own, options, at, fill?.[field.name]);
    if (completed !== undefined) complete[field.name] = completed;
  }
  refuseUnknown(model, names, path);
  if (!isShown) refuseHidden(given, path);
  return complete;
}

/** undefined: it may be absent, and is. */
function completeField(
  field: FieldModel,
  own: unknown,
  options: CompleteOptions,
  path: string,
  put: ((given: unknown) => unknown) | undefined,
): unknown {
  if (put !== undefined) {
    const given = own == null ? undefined : completeValue(field.type, own, options, path);
    return completeValue(field.type, put(given), options, path);
  }
  if (own !== undefined) return completeValue(field.type, own, options, path);
  options.allowance.spend(1, path);
  if (field.fallback !== undefined) return fallbackOf(field, options, path);
  if (field.filled && options.allowUnfilled) return undefined;
  throw invalid(path, 'is missing');
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

function refuseUnknown(model: RecordModel, names: readonly string[], path: string): void {
  const unknown = names.find((name) => !model.fields.some((field) => field.name === name));
  if (unknown === undefined) return;
  throw invalid(
    `${path}/${pointerToken(unknown)}`,
    `is no field of ${model.name}; extras belong in /attributes`,
  );
}

/** A Map, a Date or a Promise has no fields of its own: what it holds would be lost quietly. */
function refuseHidden(given: object, path: string): void {
  if (looker.isPlain(given, path)) return;
  throw invalid(path, 'must be an object, not one of a class that shows no field, as a Map');
}

function completeValue(
  model: Model,
  value: unknown,
  options: CompleteOptions,
  path: string,
): unknown {
  // Whatever it is, it takes a byte.
  if (model.kind !== 'record') options.allowance.spend(1, path);
  switch (model.kind) {
    case 'record':
      return recordOf(model, value, options, path);
    case 'nullable':
      return value === null ? null : completeValue(model.of, value, options, path);
    case 'array':
      return completeArray(model.items, value, options, path);
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
      return completeText(value, model.logicalType === 'uuid', options, path);
    case 'bytes':
      return completeBytes(value, options, path);
  }
}

/** By index: an array's own `map` may be another one, and passes over holes, however many. */
function completeArray(
  items: Model,
  value: unknown,
  options: CompleteOptions,
  path: string,
): unknown[] {
  if (!isList(value)) throw wrong(path, 'an array', value);
  const length = looker.length(value, path);
  const complete: unknown[] = [];
  for (let at = 0; at < length; at++) {
    const place = `${path}/${at}`;
    complete.push(completeValue(items, looker.field(value, at, place), options, place));
  }
  return complete;
}

function completeMap(
  values: Model,
  value: unknown,
  options: CompleteOptions,
  path: string,
): Record<string, unknown> {
  const given = objectOf(value, path);
  const keys = looker.keys(given, path);
  if (keys.length === 0) refuseHidden(given, path);
  const entries = keys.map((key) => {
    const at = `${path}/${pointerToken(key)}`;
    if (key === '__proto__') throw invalid(at, 'is no key that a map may have');
    completeText(key, false, options, at);
    return [key, completeValue(values, looker.field(given, key, at), options, at)];
  });
  return Object.fromEntries(entries);
}

function completeText(
  value: unknown,
  uuid: boolean,
  { allowance }: CompleteOptions,
  path: string,
): string {
  if (typeof value !== 'string') throw wrong(path, uuid ? 'a UUID' : 'text', value);
  // Before it is looked at: UTF-8 takes at least one byte a unit.
  allowance.spend(value.length, path);
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
  else if (typeof value === 'string' && value.length > LONGEST_NUMBER) return null;
  else if (typeof value === 'string' && DECIMAL.test(value)) long = BigInt(value);
  else if (timestamp) long = microsOf(value);
  return long !== null && long >= -LONG_LIMIT && long < LONG_LIMIT ? long : null;
}

export function isInt(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value) + 0.5) < INT_LIMIT;
}

function completeBytes(value: unknown, { allowance }: CompleteOptions, path: string): Buffer {
  if (isBytes(value)) {
    allowance.spend(lengthOfBytes(value), path);
    const copy = copyOfBytes(value);
    if (copy === null) throw invalid(path, 'is of a buffer that was given away (detached)');
    return Buffer.from(copy.buffer);
  }
  if (typeof value === 'string') {
    allowance.spend(Math.floor(value.length / 4), path);
    const bytes = Buffer.from(value, 'base64');
    if (bytes.toString('base64') === value) return bytes;
  }
  throw wrong(path, 'bytes, or base64 with padding', value);
}

function objectOf(value: unknown, path: string): object {
  if (typeof value === 'object' && value !== null && !isList(value)) return value;
  throw wrong(path, 'an object', value);
}

function pointerToken(key: string): string {
  return key.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Says the type that came and not the value, which may be personal. */
function wrong(path: string, expected: string, value: unknown): SealstreamError {
  const got = typeof value === 'string' ? 'other text' : typeName(value);
  return invalid(path, `must be ${expected}, not ${got}`);
}
