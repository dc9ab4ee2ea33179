import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { SealstreamError } from '../../ledger/error.js';
import type { RecordParts } from '../../ledger/records.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { readRange } from '../../stream/read.js';
import type {
  Bounds,
  EncodedBatch,
  Fetched,
  Reader,
  Stream,
  StreamRecord,
  TopicIdentity,
} from '../../stream/stream.js';

/** What the contract suite appends, reads and waits for. */
const PATIENCE_MS = 60_000;

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function empty(): Uint8Array {
  return new Uint8Array(0);
}

export function plain(text: string): RecordParts {
  return { key: null, value: bytes(text), headers: [] };
}

export function encode(parts: readonly RecordParts[]): EncodedBatch {
  const encoder = new BatchEncoder();
  for (const part of parts) assert.ok(encoder.add(part, BigInt(Date.now())), 'does not fit');
  return encoder.finish();
}

export interface Acknowledged {
  readonly baseOffset: bigint;
  readonly timestamp: bigint | null;
}

/** Appends the batches and expects each to be acknowledged. */
export async function append(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  batches: readonly (readonly RecordParts[])[],
): Promise<Acknowledged[]> {
  const appender = await stream.appender(topic);
  try {
    const outcomes = await Promise.all(
      batches.map((parts) => appender.append(partition, encode(parts))),
    );
    return outcomes.map((outcome) => {
      assert.ok(outcome.kind === 'acknowledged', 'error' in outcome ? outcome.error.message : '');
      return { baseOffset: outcome.baseOffset, timestamp: outcome.timestamp };
    });
  } finally {
    await appender.close();
  }
}

export async function readAll(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  from = 0n,
  maxBytes?: number,
): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  const options = { timeoutMs: PATIENCE_MS, ...(maxBytes === undefined ? {} : { maxBytes }) };
  for await (const { batches } of readRange(stream, topic, { partition, from }, options)) {
    for (const batch of batches) {
      for (let index = 0; index < batch.count; index += 1) records.push(batch.record(index));
    }
  }
  return records;
}

/** Polls and collects until `enough`; errors of class retry are left out. */
export async function pollUntil(
  reader: Reader,
  enough: (all: readonly Fetched[]) => boolean,
): Promise<readonly Fetched[]> {
  const all: Fetched[] = [];
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    for (const fetched of await reader.poll(500)) {
      if (fetched.error?.class !== 'retry') all.push(fetched);
    }
    if (enough(all)) return all;
  }
  return assert.fail('what was waited for never came');
}

export async function eventually<T>(attempt: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const value = await attempt();
    if (value !== null) return value;
    await wait(20);
  }
  return assert.fail('what was waited for never came');
}

export function codeOf(answer: Bounds | SealstreamError | undefined): string {
  return answer instanceof SealstreamError ? answer.code : 'no error';
}

export function failures(all: readonly Fetched[]): SealstreamError[] {
  return all.flatMap(({ error }) => error ?? []);
}

export function reports(all: readonly Fetched[], partition: number): boolean {
  return all.some((one) => one.partition === partition && one.highWatermark !== null);
}

export function countRecords(all: readonly Fetched[]): number {
  return all.flatMap(({ batches }) => batches).reduce((sum, { count }) => sum + count, 0);
}

export function valuesOf(all: readonly Fetched[], partition: number): string[] {
  return all
    .filter((one) => one.partition === partition)
    .flatMap(({ batches }) => batches)
    .flatMap((batch) => Array.from({ length: batch.count }, (_, index) => batch.record(index)))
    .map(valueText);
}

export function valueText(record: StreamRecord): string {
  return record.value === null ? 'null' : Buffer.from(record.value).toString();
}

export function partsOf({ key, value, headers }: RecordParts): unknown {
  const text = (part: Uint8Array | null) => part && Buffer.from(part).toString('hex');
  return [text(key), text(value), headers.map((one) => [text(one.key), text(one.value)])];
}
