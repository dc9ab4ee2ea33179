import { SealstreamError } from '../ledger/error.js';

/**
 * An Avro schema as the codec walks it: the part of Avro that AuditEvent uses. Unions are only
 * [null, X], types do not nest in themselves, and every array item takes at least one byte: the
 * scanner's bounds rest on all three.
 */
export type Model =
  | { readonly kind: 'boolean' | 'int' | 'bytes' }
  | { readonly kind: 'long' | 'string'; readonly logicalType: string | null }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly symbols: readonly string[];
      readonly fallback: string | null;
    }
  | { readonly kind: 'array'; readonly items: Model }
  | { readonly kind: 'map'; readonly values: Model }
  | { readonly kind: 'nullable'; readonly of: Model }
  | RecordModel;

export interface RecordModel {
  readonly kind: 'record';
  readonly name: string;
  readonly doc: string | null;
  readonly fields: readonly FieldModel[];
}

export interface FieldModel {
  readonly name: string;
  readonly type: Model;
  readonly doc: string | null;
  /** The default in the schema's JSON form; undefined: the field is required. */
  readonly fallback: unknown;
  /** A required field that the publisher fills where the caller leaves it out. */
  readonly filled: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Parses the JSON text of a record schema. Throws `unsupported` for Avro that is not used here. */
export function parseModel(schema: string): RecordModel {
  const model = typeModel(JSON.parse(schema), 'schema');
  if (model.kind !== 'record') throw unsupported('schema', 'the outermost type must be a record');
  return model;
}

function typeModel(schema: unknown, path: string): Model {
  if (Array.isArray(schema)) return unionModel(schema, path);
  if (typeof schema === 'string') return primitiveModel(schema, null, path);
  if (!isJson(schema)) throw unsupported(path, 'not a type');
  const type = schema['type'];
  if (type === 'record') return recordModel(schema, path);
  if (type === 'enum') return enumModel(schema, path);
  if (type === 'array') return { kind: 'array', items: typeModel(schema['items'], `${path}/[]`) };
  if (type === 'map') return { kind: 'map', values: typeModel(schema['values'], `${path}/{}`) };
  if (typeof type !== 'string') return typeModel(type, path);
  return primitiveModel(type, textOrNull(schema['logicalType']), path);
}

function primitiveModel(name: string, logicalType: string | null, path: string): Model {
  if (name === 'boolean' || name === 'int' || name === 'bytes') return { kind: name };
  if (name === 'long' || name === 'string') return { kind: name, logicalType };
  throw unsupported(path, `type ${JSON.stringify(name)} is not supported; define it in place`);
}

function unionModel(branches: readonly unknown[], path: string): Model {
  if (branches.length !== 2 || branches[0] !== 'null') {
    throw unsupported(path, 'a union must be [null, X]');
  }
  return { kind: 'nullable', of: typeModel(branches[1], path) };
}

function enumModel(schema: Json, path: string): Model {
  const symbols = schema['symbols'];
  if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string')) {
    throw unsupported(path, 'an enum needs symbols');
  }
  const name = nameOf(schema, path);
  return { kind: 'enum', name, symbols, fallback: textOrNull(schema['default']) };
}

function recordModel(schema: Json, path: string): RecordModel {
  const fields = schema['fields'];
  if (!Array.isArray(fields) || fields.length === 0)
    throw unsupported(path, 'a record needs fields');
  return {
    kind: 'record',
    name: nameOf(schema, path),
    doc: textOrNull(schema['doc']),
    fields: fields.map((field: unknown) => {
      if (!isJson(field)) throw unsupported(path, 'a field must be an object');
      const name = nameOf(field, path);
      return {
        name,
        type: typeModel(field['type'], `${path}/${name}`),
        doc: textOrNull(field['doc']),
        fallback: field['default'],
        filled: field['filled-by'] === 'publisher',
      };
    }),
  };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nameOf(schema: Json, path: string): string {
  const name = schema['name'];
  if (typeof name !== 'string') throw unsupported(path, 'a name is missing');
  return name;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function unsupported(path: string, what: string): SealstreamError {
  return new SealstreamError('unsupported', `Avro schema at ${path}: ${what}`);
}
