import { isBytes } from '../ledger/given.js';
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

type Fields = Readonly<Record<string, unknown>>;

/** How the values of one record are looked at while they are written. */
export interface Ways {
  /** Of every map in it. */
  allowsKey(key: string): boolean;
  /** By path, array items as `[]`: told each value as it is read. false: it may not be. */
  readonly told: ReadonlyMap<string, (value: unknown) => boolean>;
  /** By path: what to write for what was given, undefined for nothing. */
  readonly fill: ReadonlyMap<string, (given: unknown) => unknown>;
}

interface Field {
  readonly name: string;
  /** null may stand for its value; `write` is that of the value. */
  readonly nullable: boolean;
  readonly write: Write;
  /** What is written where it is left out; null: it may not be. */
  readonly fallback: Uint8Array | null;
  readonly told: ((value: unknown) => boolean) | null;
  readonly fill: ((given: unknown) => unknown) | null;
  /** What is given is not written, and has to be right all the same. */
  readonly isChecked: boolean;
}

/** Every value is read once: at the next look a getter or a proxy may show another one. */
export function recordWriter(model: RecordModel, ways: Ways): Write {
  return writerOf(model, ways, '');
}

function writerOf(model: Model, ways: Ways, path: string): Write {
  switch (model.kind) {
    case 'record':
      return writerOfRecord(fieldsOf(model, ways, path));
    case 'nullable':
      return writerOfNullable(writerOf(model.of, ways, path));
    case 'array':
      return writerOfArray(writerOf(model.items, ways, `${path}/[]`));
    case 'map':
      return writerOfMap(
        writerOf(model.values, ways, `${path}/{}`),
        new MapKeys((key) => ways.allowsKey(key)),
      );
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

function fieldsOf(model: RecordModel, ways: Ways, path: string): Field[] {
  return model.fields.map(({ name, type, fallback }) => {
    const at = `${path}/${name}`;
    const nullable = type.kind === 'nullable';
    const write = writerOf(nullable ? type.of : type, ways, at);
    const fill = ways.fill.get(at) ?? null;
    const isChecked = fill !== null && type.kind === 'record';
    const told = ways.told.get(at) ?? null;
    const plain = { name, nullable, write, fallback: null, told: null, fill: null, isChecked };
    const written = fallback === undefined ? null : encoded(plain, fallback);
    return { ...plain, fallback: written, told, fill };
  });
}

/** A default; null where only the slow way can write it. */
function encoded(field: Field, value: unknown): Uint8Array | null {
  const out = new Scratch();
  return writeField(field, value, out) ? Uint8Array.from(out.written()) : null;
}

function writerOfRecord(fields: readonly Field[]): Write {
  return (value, out) => isObject(value) && writeFields(fields, value, out);
}

function writeFields(fields: readonly Field[], value: Fields, out: Scratch): boolean {
  let known = 0;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field;
    const given = value[field.name];
    if (given !== undefined) known++;
    if (field.told !== null && !field.told(given)) return false;
    if (field.fill === null ? !writeField(field, given, out) : !writeFilled(field, given, out)) {
      return false;
    }
  }
  if (isPlain(value)) return known === countOf(value) || onlyKnown(fields, value);
  // What shows no field may hold them elsewhere, as a Map does: the slow way says so.
  return known > 0 && onlyKnown(fields, value);
}

function writeFilled(field: Field, given: unknown, out: Scratch): boolean {
  if (given === undefined || given === null) return field.write(field.fill?.(undefined), out);
  if (field.isChecked) {
    const start = out.at;
    if (!field.write(given, out)) return false;
    out.at = start;
  }
  return field.write(field.fill?.(given), out);
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
    if (length !== 0) {
      // A proxy may claim any length; an item takes a byte at least.
      if (!Number.isSafeInteger(length) || length < 0 || length > out.limit) return false;
      out.varint(length);
      for (let i = 0; i < length; i++) {
        if (!write(items[i], out) || out.at > out.limit) return false;
      }
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
    else if (!isPlain(value)) return false;
    for (const key of keys) {
      if (!mapKeys.write(key, out) || !write(value[key], out) || out.at > out.limit) return false;
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
  return isBytes(value) && out.callers(value);
}
