/**
 * Parsing Canonical Form and its CRC-64-AVRO fingerprint (Avro specification, "Transforming into
 * Parsing Canonical Form" and "Schema Fingerprints").
 */
const EMPTY = 0xc15d213aa4d7a795n;
const ORDER = ['name', 'type', 'fields', 'symbols', 'items', 'values', 'size'] as const;
const NAMED = new Set(['record', 'enum', 'fixed', 'error']);

/** The Parsing Canonical Form of a schema's JSON text. */
export function canonicalForm(schema: string): string {
  return canonical(JSON.parse(schema), '');
}

function canonical(schema: unknown, namespace: string): string {
  if (Array.isArray(schema)) {
    return `[${schema.map((branch) => canonical(branch, namespace)).join(',')}]`;
  }
  if (typeof schema !== 'object' || schema === null) return JSON.stringify(schema);
  const fields = schema as Readonly<Record<string, unknown>>;
  const type = fields['type'];
  if (typeof type !== 'string') return canonical(type, namespace);
  const named = NAMED.has(type);
  if (!named && type !== 'array' && type !== 'map') return JSON.stringify(type);
  const name = named ? fullName(fields, namespace) : '';
  const inner = named ? name.slice(0, Math.max(0, name.lastIndexOf('.'))) : namespace;
  const parts = ORDER.filter((key) => fields[key] !== undefined).map((key) => {
    if (key === 'name') return `"name":${JSON.stringify(name)}`;
    if (key === 'fields') return `"fields":[${fieldForms(fields[key], inner)}]`;
    if (key === 'items' || key === 'values') return `"${key}":${canonical(fields[key], inner)}`;
    return `"${key}":${JSON.stringify(fields[key])}`;
  });
  return `{${parts.join(',')}}`;
}

function fieldForms(fields: unknown, namespace: string): string {
  return (fields as readonly { name: string; type: unknown }[])
    .map(
      ({ name, type }) => `{"name":${JSON.stringify(name)},"type":${canonical(type, namespace)}}`,
    )
    .join(',');
}

function fullName(schema: Readonly<Record<string, unknown>>, namespace: string): string {
  const name = String(schema['name']);
  if (name.includes('.')) return name;
  const own = schema['namespace'];
  const space = typeof own === 'string' ? own : namespace;
  return space === '' ? name : `${space}.${name}`;
}

const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index);
  for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ (value & 1n ? EMPTY : 0n);
  return value;
});

/** CRC-64-AVRO of a canonical form, as the 8 little-endian bytes of single-object encoding. */
export function fingerprint(canonicalText: string): Uint8Array {
  let value = EMPTY;
  for (const byte of new TextEncoder().encode(canonicalText)) {
    value = (value >> 8n) ^ (TABLE[Number((value ^ BigInt(byte)) & 0xffn)] as bigint);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
