import avsc from 'avsc';

/** avsc's own long is a double; ours is a bigint of 64 bits. */
const long = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer): bigint => bytes.readBigInt64LE(),
  toBuffer: (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: (value: number): bigint => BigInt(value),
  toJSON: (value: bigint): number => Number(value),
  isValid: (value: unknown): boolean => typeof value === 'bigint',
  compare: (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0),
});

/** The avsc type of a schema's JSON text. */
export function avroType(schema: string): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, {
    wrapUnions: 'never',
    omitRecordMethods: true,
    typeHook: (part) => (isLong(part) ? long : undefined),
  });
}

function isLong(part: unknown): boolean {
  if (part === 'long') return true;
  return typeof part === 'object' && part !== null && 'type' in part && part.type === 'long';
}
