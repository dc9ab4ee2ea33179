import { isInt, longOf } from './complete.js';
import { MapKeys } from './map-keys.js';
import type { Model, RecordModel } from './model.js';
import { Scratch } from './scratch.js';
import { writeUuid } from './uuid.js';

/**
 * Checks a value and writes it as Avro, in one pass and with nothing made in between. false: it is
 * not plainly right, and what was written is worth nothing; completeRecord then says what is wrong,
 * or completes it after all. What is written is what avsc makes of the completed value.
 */
type Write = (value: unknown, out: Scratch) => boolean;

type AllowsKey = (key: string) => boolean;
type Fields = Readonly<Record<string, unknown>>;

interface Field {
  readonly name: string;
  /** null may stand for its value; `write` is that of the value. */
  readonly nullable: boolean;
  readonly write: Write;
  /** What is written where it is left out; null: it may not be. */
  readonly fallback: Uint8Array | null;
  /** Its value is taken from somewhere else. */
  readonly replaced: boolean;
}

const NOTHING: Fields = {};
const NONE: ReadonlySet<string> = new Set();

/**
 * A record some of whose fields, by name, are taken from somewhere else. `allowsKey`: of every map
 * in it.
 */
export function recordWriter(
  model: RecordModel,
  replaced: ReadonlySet<string>,
  allowsKey: AllowsKey,
): (value: unknown, instead: Fields, out: Scratch) => boolean {
  const fields = fieldsOf(model, allowsKey, replaced);
  return (value, instead, out) => {
    // Of an object of a class only its own fields count: the slow way sorts that out.
    return isObject(value) && isPlain(value) && writeFields(fields, value, instead, out);
  };
}

function writerOf(model: Model, allowsKey: AllowsKey): Write {
  switch (model.kind) {
    case 'record':
      return writerOfRecord(fieldsOf(model, allowsKey));
    case 'nullable':
      return writerOfNullable(writerOf(model.of, allowsKey));
    case 'array':
      return writerOfArray(writerOf(model.items, allowsKey));
    case 'map':
      return writerOfMap(writerOf(model.values, allowsKey), new MapKeys(allowsKey));
    case 'enum':
      return writerOfEnum(model.symbols);
    case 'boolean':
      return writeBoolean;
    case 'int':
      return writeInt;
    case 'long':
      return model.logicalType === 'timestamp-micros' ? writeTime : writeLong;
    case 'string':
      return model.logicalType === 'uuid' ? writeUuid : writeText;
    case 'bytes':
      return writeBytes;
  }
}

function fieldsOf(model: RecordModel, allowsKey: AllowsKey, replaced = NONE): Field[] {
  return model.fields.map(({ name, type, fallback }) => {
    const nullable = type.kind === 'nullable';
    const write = writerOf(nullable ? type.of : type, allowsKey);
    const field = { name, nullable, write, fallback: null, replaced: replaced.has(name) };
    return fallback === undefined ? field : { ...field, fallback: encoded(field, fallback) };
  });
}

/** A default; null where only the slow way can write it. */
function encoded(field: Field, value: unknown): Uint8Array | null {
  const out = new Scratch();
  return writeField(field, value, out) ? Uint8Array.from(out.written()) : null;
}

function writerOfRecord(fields: readonly Field[]): Write {
  return (value, out) => isObject(value) && writeFields(fields, value, NOTHING, out);
}

function writeFields(
  fields: readonly Field[],
  value: Fields,
  instead: Fields,
  out: Scratch,
): boolean {
  let known = 0;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field;
    const given = value[field.name];
    if (given !== undefined) known++;
    if (!writeField(field, field.replaced ? instead[field.name] : given, out)) return false;
  }
  return known === countOf(value) || onlyKnown(fields, value);
}

function writeField(field: Field, given: unknown, out: Scratch): boolean {
  if (given === undefined) {
    if (field.fallback === null) return false;
    out.raw(field.fallback);
    return true;
  }
  if (field.nullable) {
    if (given === null) {
      out.byte(0);
      return true;
    }
    out.byte(2);
  }
  return field.write(given, out);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Inherited fields are counted too, where there are any. */
function countOf(value: object): number {
  let count = 0;
  for (const _name in value) count++;
  return count;
}

/** As completeRecord counts them: a field that is there and undefined is one too. */
function onlyKnown(fields: readonly Field[], value: object): boolean {
  const known = fields.filter(({ name }) => Object.hasOwn(value, name));
  return known.length === Object.keys(value).length;
}

function writerOfNullable(write: Write): Write {
  return (value, out) => {
    if (value === null) {
      out.byte(0);
      return true;
    }
    out.byte(2);
    return write(value, out);
  };
}

function writerOfArray(write: Write): Write {
  return (value, out) => {
    if (!Array.isArray(value)) return false;
    const items: readonly unknown[] = value;
    const { length } = items;
    if (length > 0) {
      out.varint(length);
      for (let i = 0; i < length; i++) if (!write(items[i], out)) return false;
    }
    out.byte(0);
    return true;
  };
}

function writerOfMap(write: Write, mapKeys: MapKeys): Write {
  return (value, out) => {
    if (!isObject(value)) return false;
    const keys = Object.keys(value);
    if (keys.length > 0) out.varint(keys.length);
    for (const key of keys) {
      if (!mapKeys.write(key, out) || !write(value[key], out)) return false;
    }
    out.byte(0);
    return true;
  };
}

function writerOfEnum(symbols: readonly string[]): Write {
  const places = new Map<unknown, number>(symbols.map((symbol, place) => [symbol, place]));
  return (value, out) => {
    const place = places.get(value);
    if (place === undefined) return false;
    out.varint(place);
    return true;
  };
}

function writeBoolean(value: unknown, out: Scratch): boolean {
  if (typeof value !== 'boolean') return false;
  out.byte(value ? 1 : 0);
  return true;
}

function writeInt(value: unknown, out: Scratch): boolean {
  if (!isInt(value)) return false;
  out.varint(value);
  return true;
}

function writeLong(value: unknown, out: Scratch): boolean {
  return writeNumber(value, false, out);
}

function writeTime(value: unknown, out: Scratch): boolean {
  return writeNumber(value, true, out);
}

function writeNumber(value: unknown, timestamp: boolean, out: Scratch): boolean {
  if (typeof value === 'number' && Number.isSafeInteger(value)) {
    out.long(value);
    return true;
  }
  const long = longOf(value, timestamp);
  if (long === null) return false;
  out.long(long);
  return true;
}

function writeText(value: unknown, out: Scratch): boolean {
  return typeof value === 'string' && out.text(value);
}

/** Base64 goes the slow way. */
function writeBytes(value: unknown, out: Scratch): boolean {
  if (!(value instanceof Uint8Array)) return false;
  out.varint(value.length);
  out.raw(value);
  return true;
}
