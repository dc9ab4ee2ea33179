import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { TimestampType } from '../../ledger/records.js';
import { readBatchHeader } from '../../stream/batch/layout.js';
import type { RecordBatch, StreamRecord } from '../../stream/stream.js';

/** A large value is given by its length and SHA-256. */
interface Digest {
  readonly sha256: string;
  readonly length: number;
}

/** Bytes in base64, header names as text. */
interface ListedRecord {
  readonly key: string | null;
  readonly value: string | Digest | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

interface SentGroup {
  readonly group: string;
  readonly end: 'commit' | 'abort' | null;
  readonly offset: number;
  readonly appended?: readonly (readonly [number, number])[];
}

interface Produced {
  readonly createTimes: readonly number[];
  readonly groups: Readonly<Record<string, readonly ListedRecord[]>>;
  readonly topics: Readonly<Record<string, readonly SentGroup[]>>;
}

export interface ExpectedRecord extends ListedRecord {
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly timestampType: TimestampType;
}

const PRODUCED = JSON.parse(file('produced.json').toString()) as Produced;

/** `<codec>-<producer>`, as the files are called. */
export const FIXTURES: readonly string[] = Object.keys(PRODUCED.topics);

function file(name: string): Buffer {
  // Compiled tests run from dist/, fixtures stay beside their sources.
  return readFileSync(new URL(`../../../test/fixtures/librdkafka/${name}`, import.meta.url));
}

/** The segment as the broker stored it. */
export function segmentOf(fixture: string): Uint8Array {
  return new Uint8Array(gunzipSync(file(`${fixture}.log.gz`)));
}

/** What librdkafka was told it had written, in the order of the log. */
export function expectedRecords(fixture: string): ExpectedRecord[] {
  const createTimes = PRODUCED.createTimes.values();
  return (PRODUCED.topics[fixture] ?? []).flatMap(({ group, offset, appended }) => {
    const records = PRODUCED.groups[group] ?? [];
    const times = appended?.flatMap(([time, count]) => Array<number>(count).fill(time));
    return records.map((record, index) => ({
      ...record,
      offset: BigInt(offset + index),
      timestamp: BigInt(times?.[index] ?? createTimes.next().value ?? -1),
      timestampType: times === undefined ? 0 : 1,
    }));
  });
}

/** How many transactions the fixture's producer ended: as many markers are in the log. */
export function markers(fixture: string): number {
  return (PRODUCED.topics[fixture] ?? []).filter(({ end }) => end !== null).length;
}

/** Where each batch of `segment` starts, and its end last. */
export function batchPlaces(segment: Uint8Array): number[] {
  const places = [0];
  for (let at = 0; at < segment.length; ) {
    at += readBatchHeader(segment, at)?.sizeInBytes ?? assert.fail(`no batch at ${at}`);
    places.push(at);
  }
  return places;
}

/** The records in the form of ExpectedRecord; values longer than 1000 bytes by their digest. */
export function listRecords(batches: readonly RecordBatch[]): ExpectedRecord[] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.count }, (_, index) => listRecord(batch.record(index))),
  );
}

export function listRecord(record: Omit<StreamRecord, 'body'>): ExpectedRecord {
  const { key, value, headers, offset, timestamp, timestampType } = record;
  return {
    key: base64(key),
    value: value !== null && value.length > 1000 ? digest(value) : base64(value),
    headers: headers.map((header) => [Buffer.from(header.key).toString(), base64(header.value)]),
    offset,
    timestamp,
    timestampType,
  };
}

function digest(value: Uint8Array): Digest {
  return { sha256: createHash('sha256').update(value).digest('hex'), length: value.length };
}

function base64(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value).toString('base64');
}
