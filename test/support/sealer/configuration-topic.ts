import { configurationLine, formatConfigurationLine } from '../../../ledger/configuration-line.js';
import { sha256 } from '../../../ledger/hash.js';
import type { RecordHeader } from '../../../ledger/records.js';
import { encodeBase64 } from '../../../ledger/text.js';
import { startLog } from '../../../sealer/index.js';
import { BatchEncoder } from '../../../stream/batch/encode.js';
import type { Stream } from '../../../stream/stream.js';
import { LEDGER, type TestLedger } from './ledger.js';

export const CONFIGURATION = 'audit.configuration';

/** The hash of a configuration of that name. */
export function hashOf(name: string): string {
  return encodeBase64(sha256(Buffer.from(name)));
}

export function named(value: string | Uint8Array | null): RecordHeader {
  return {
    key: Buffer.from('sealstream-config'),
    value: value === null ? null : Buffer.from(value),
  };
}

/** Both topics; the log is not started. */
export async function createConfigurationTopic(
  stream: Stream,
  topic = CONFIGURATION,
): Promise<void> {
  const one = { partitions: 1, replication: 1 };
  const settings = new Map([['message.timestamp.type', 'LogAppendTime']]);
  const compact = new Map([['cleanup.policy', 'compact']]);
  await stream.createTopic({ topic, ...one, settings });
  await stream.createTopic({ topic: `${topic}.checkpoints`, ...one, settings: compact });
}

/** As `apply` does. */
export async function startConfiguration(ledger: TestLedger, name = CONFIGURATION): Promise<void> {
  await createConfigurationTopic(ledger.stream, name);
  const topic = await ledger.identity(name);
  const { stream, memory } = ledger;
  await startLog({ stream, memory, ledger: LEDGER, topic, partition: 0 });
}

/** Appends one record with these headers. */
export async function appendHeaders(
  stream: Stream,
  headers: readonly RecordHeader[],
  name = CONFIGURATION,
): Promise<void> {
  const topic = await stream.describe(name);
  if (topic === null) throw new Error('no configuration topic');
  const encoder = new BatchEncoder();
  const value = Buffer.from('{"not":"an event"}');
  encoder.add({ key: Buffer.from('configuration'), value, headers }, BigInt(Date.now()));
  const appender = await stream.appender(topic);
  const outcome = await appender.append(0, encoder.finish());
  await appender.close();
  if (outcome.kind !== 'acknowledged') throw outcome.error;
}

/** Records that the configuration of that name was applied. */
export function configure(stream: Stream, name: string, topic = CONFIGURATION): Promise<void> {
  return appendHeaders(stream, [named(hashOf(name))], topic);
}

/** What the checkpoints of a partition name, in order; null: nothing. */
export async function linesOf(ledger: TestLedger, partition = 0): Promise<(string | null)[]> {
  return (await ledger.checkpoints(partition)).map(
    (checkpoint) => configurationLine(checkpoint)?.text ?? null,
  );
}

/** The extension of a checkpoint that names the configuration of that name. */
export function lineOf(name: string): readonly [name: string, value: string] {
  return formatConfigurationLine(hashOf(name));
}
