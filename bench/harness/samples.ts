import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { sizeOfBody } from '../../ledger/body.js';
import type { RecordParts } from '../../ledger/records.js';
import { publisher } from '../../producer/publisher.js';
import type { AuditEventInput } from '../../schemas/generated.js';
import { openStream } from '../../stream/open.js';
import { readRange } from '../../stream/read.js';
import { AUDIT_SETTINGS } from './topics.js';

/** Records to be written again and again, in a file that every contender can read. */
export interface Samples {
  readonly path: string;
  /** One line of text for each, as long as key, value and headers together: for Java's producer. */
  readonly payloadPath: string;
  readonly count: number;
  readonly bodyBytes: number;
}

const COUNT = 1000;

/** Records without key and headers, whose value is `size` bytes of random text. */
export function plainRecords(size: number): RecordParts[] {
  return Array.from({ length: COUNT }, () => {
    const text = randomBytes(size).toString('base64url').slice(0, size);
    return { key: null, value: Buffer.from(text), headers: [] };
  });
}

/** Exactly what the publisher makes of events: published to a folder and read back. */
export async function publishedRecords(
  folder: string,
  events: readonly AuditEventInput[],
): Promise<RecordParts[]> {
  const stream = await openStream(`file:${folder}`);
  try {
    const topic = 'samples';
    await stream.createTopic({ topic, partitions: 1, replication: 1, settings: AUDIT_SETTINGS });
    const to = await publisher({ stream, topic, source: '/bench' });
    await Promise.all(events.map((event) => to.publish(event)));
    await to.close();
    const identity = await stream.describe(topic);
    if (identity === null) throw new Error('the topic of the samples is gone');
    const records: RecordParts[] = [];
    for await (const fetched of readRange(stream, identity, { partition: 0, from: 0n })) {
      for (const batch of fetched.batches) {
        for (let at = 0; at < batch.count; at += 1) records.push(copyOf(batch.record(at)));
      }
    }
    return records;
  } finally {
    await stream.close();
  }
}

function copyOf({ key, value, headers }: RecordParts): RecordParts {
  const copy = (bytes: Uint8Array | null) => bytes && Uint8Array.from(bytes);
  return {
    key: copy(key),
    value: copy(value),
    headers: headers.map((one) => ({ key: Uint8Array.from(one.key), value: copy(one.value) })),
  };
}

type Stored = readonly [
  string | null,
  string | null,
  readonly (readonly [string, string | null])[],
];

export async function writeSamples(
  path: string,
  records: readonly RecordParts[],
): Promise<Samples> {
  const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('base64');
  const stored: Stored[] = records.map(({ key, value, headers }) => [
    text(key),
    text(value),
    headers.map((one) => [text(one.key) ?? '', text(one.value)]),
  ]);
  await writeFile(path, JSON.stringify(stored));
  const payloadPath = `${path}.txt`;
  await writeFile(payloadPath, `${records.map(payloadOf).join('\n')}\n`);
  const bodyBytes = records.reduce((sum, parts) => sum + sizeOfBody(parts), 0);
  return { path, payloadPath, count: records.length, bodyBytes };
}

export async function readSamples(path: string): Promise<RecordParts[]> {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'));
  const stored = JSON.parse(await readFile(path, 'utf8')) as Stored[];
  return stored.map(([key, value, headers]) => ({
    key: bytes(key),
    value: bytes(value),
    headers: headers.map(([name, content]) => ({
      key: Buffer.from(name, 'base64'),
      value: bytes(content),
    })),
  }));
}

/** Bytes of the bodies of `records` records. */
export function bytesOf(samples: Samples, records: number): number {
  return Math.round((samples.bodyBytes / samples.count) * records);
}

/** The value itself where it is all there is and is text. */
function payloadOf({ key, value, headers }: RecordParts): string {
  if (key === null && headers.length === 0) return Buffer.from(value ?? []).toString('latin1');
  const parts = [key, value, ...headers.flatMap((one) => [one.key, one.value])];
  const length = parts.reduce((sum, part) => sum + (part?.length ?? 0), 0);
  return 'p'.repeat(length);
}
