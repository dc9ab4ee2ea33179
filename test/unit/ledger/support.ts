/** What the tests of this folder share: expected errors, mutations, made-up logs. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  asHash,
  type Checkpoint,
  type ErrorCode,
  encodeBody,
  type Hash,
  LogState,
  type RecordParts,
  SealstreamError,
  sha256,
  signingKeyFromSeed,
} from '../../../ledger/index.js';
import { columnsOf } from './vectors.js';

export const ORIGIN = 'audit.example.com/orders/AAECAwQFBgcICQoLDA0ODw/11';
export const KEY = signingKeyFromSeed(new Uint8Array(32).fill(7));
export const OTHER_KEY = signingKeyFromSeed(new Uint8Array(32).fill(8));

/** Asserts that `act` throws a SealstreamError of one of these codes, and no other error. */
export function throwsCode(act: () => unknown, ...codes: ErrorCode[]): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof SealstreamError, `not a SealstreamError: ${String(error)}`);
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    assert.ok(error.message.length > 0 && error.message.length < 1000, error.message);
    return true;
  });
}

/** What `act` returns, or null where it throws a SealstreamError about data; other errors pass. */
export function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof SealstreamError && error.class === 'data') return null;
    throw error;
  }
}

/** Every change of one byte: its eight bits flipped, removed, doubled, replaced; and every cut. */
export function* mutations(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    for (let bit = 0; bit < 8; bit++) yield withByte(bytes, at, byte ^ (1 << bit));
    for (const value of [0x00, 0x0a, 0x20, 0x3d, 0xff]) {
      if (value !== byte) yield withByte(bytes, at, value);
    }
    yield Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
    yield Uint8Array.from([...bytes.subarray(0, at), byte, ...bytes.subarray(at)]);
    yield bytes.slice(0, at);
  }
  for (const value of [0x00, 0x0a, 0x20]) yield Uint8Array.from([...bytes, value]);
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
}

/** A hash that only depends on `number`. */
export function hashOf(number: number | bigint): Hash {
  return sha256(Buffer.from(`hash ${number}`));
}

/** The hash with its first byte changed. */
export function changed(hash: Hash): Hash {
  const copy = Uint8Array.from(hash);
  copy[0] = (copy[0] as number) ^ 1;
  return asHash(copy);
}

export interface MadeRecord {
  readonly body: Uint8Array;
  readonly offset: bigint;
  readonly timestamp: bigint;
}

/** Record `index` of a made-up log: offsets with holes, some records without a key. */
export function madeRecord(index: number, salt = ''): MadeRecord {
  const key = index % 3 === 0 ? null : Buffer.from(`key ${index % 5}`);
  const value = Buffer.from(`value ${index}${salt}`);
  const headers = index % 2 === 0 ? [] : [{ key: Buffer.from('h'), value: null }];
  return {
    body: encodeBody({ key, value, headers }),
    offset: BigInt(index * 2 + (index % 2)),
    timestamp: 1_700_000_000_000n + BigInt(index),
  };
}

/** The state after the records [0, size) of the made-up log. */
export function madeLog(size: number, salt = ''): LogState {
  const state = LogState.start(ORIGIN, 0n);
  appendMade(state, size, salt);
  return state;
}

/** Appends made-up records from the state's size on, up to `size`. */
export function appendMade(state: LogState, size: number, salt = ''): void {
  const from = Number(state.size);
  const rows = Array.from({ length: size - from }, (_, index) => madeRecord(from + index, salt));
  state.append(columnsOf(rows, 1, 2));
}

export function checkpointOf(state: LogState, more: Partial<Checkpoint> = {}): Checkpoint {
  return {
    origin: state.origin,
    size: state.size,
    root: state.root(),
    first: state.first,
    next: state.next,
    partitions: 12,
    chain: state.chain,
    time: 1_795_000_000_123,
    extensions: [],
    ...more,
  };
}

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 200 }), { nil: null });

const plain = { noNullPrototype: true } as const;
const anyHeader = fc.record({ key: fc.uint8Array({ maxLength: 20 }), value: bytesOrNull }, plain);

/** Any key, value and headers, null and empty ones included. */
export const anyParts: fc.Arbitrary<RecordParts> = fc.record(
  { key: bytesOrNull, value: bytesOrNull, headers: fc.array(anyHeader, { maxLength: 8 }) },
  plain,
);
