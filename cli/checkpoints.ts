import type { Command } from 'commander';
import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import { checkpointTopic, decodeCheckpointRecord } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { parseOrigin } from '../ledger/origin.js';
import { readCheckpointRecords } from '../stream/checkpoint-topic.js';
import type { Stream, StreamRecord } from '../stream/stream.js';
import { wholeNumber } from './arguments.js';
import { EXIT } from './exit.js';
import { print, printLine, tell, toJson } from './output.js';
import { type CommonOptions, selectTopics, verifyingKey, withSession } from './session.js';

interface CheckpointsOptions extends CommonOptions {
  readonly topic?: string;
  readonly partition?: number;
  readonly latest?: boolean;
}

interface Found {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/** The record's checkpoint, or why it is none of this ledger's. */
function openRecord(record: StreamRecord, key: PublicKey): Found {
  if (record.value === null) throw new SealstreamError('malformed', 'a tombstone');
  const { origin, record: content } = decodeCheckpointRecord(record);
  const { topic, partition } = parseOrigin(origin);
  const checkpoint = openCheckpoint(content.note, origin, key);
  return { topic, partition, offset: record.offset, note: content.note, checkpoint };
}

/** The head of a log: largest (size, time), FORMAT §6. */
function isLater(a: Checkpoint, b: Checkpoint): boolean {
  return a.size > b.size || (a.size === b.size && a.time > b.time);
}

function latestOfEach(found: readonly Found[]): Found[] {
  const heads = new Map<string, Found>();
  for (const candidate of found) {
    const head = heads.get(candidate.checkpoint.origin);
    if (head === undefined || isLater(candidate.checkpoint, head.checkpoint)) {
      heads.set(candidate.checkpoint.origin, candidate);
    }
  }
  return [...heads.values()].sort(
    (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition,
  );
}

async function collect(
  stream: Stream,
  ledger: string,
  topicName: string,
  key: PublicKey,
  options: CheckpointsOptions,
): Promise<Found[]> {
  const name = checkpointTopic(topicName);
  const [topic, audit] = await Promise.all([stream.describe(name), stream.describe(topicName)]);
  if (topic === null) {
    throw new SealstreamError('topic-missing', `${name} does not exist on ${stream.url}`);
  }
  const found: Found[] = [];
  for await (const record of readCheckpointRecords(stream, topic)) {
    try {
      const candidate = openRecord(record, key);
      const origin = parseOrigin(candidate.checkpoint.origin);
      const wanted =
        origin.ledger === ledger &&
        origin.topic === topicName &&
        (options.partition === undefined || origin.partition === options.partition) &&
        // The head of a log that a re-created topic replaced is history, not the latest.
        (options.latest !== true || audit === null || origin.topicId === audit.topicId);
      if (wanted) found.push(candidate);
    } catch (error) {
      if (!(error instanceof SealstreamError) || error.class !== 'data') throw error;
      tell(
        `${name} offset ${record.offset}: left out: ${error.message}; verify says what it means`,
      );
    }
  }
  return options.latest === true ? latestOfEach(found) : found;
}

async function checkpoints(options: CheckpointsOptions): Promise<number> {
  return withSession(options, async ({ configuration, stream }) => {
    const key = await verifyingKey(configuration, options.config);
    const found: Found[] = [];
    for (const { name } of selectTopics(configuration, options.topic)) {
      found.push(...(await collect(stream, configuration.ledger, name, key, options)));
    }
    if (options.json === true) {
      await printLine(
        toJson(
          found.map(({ topic, partition, offset, note, checkpoint }) => ({
            origin: checkpoint.origin,
            topic,
            partition,
            offset,
            size: checkpoint.size,
            first: checkpoint.first,
            next: checkpoint.next,
            time: new Date(checkpoint.time).toISOString(),
            note,
          })),
        ),
      );
    } else {
      await print(found.map(({ note }) => note).join('\n'));
    }
    if (found.length > 0) return EXIT.done;
    throw new SealstreamError('not-sealed', 'no checkpoint found; `sealstream seal` makes them');
  });
}

export function registerCheckpoints(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('checkpoints')
    .description('print signed checkpoints, verbatim, separated by an empty line')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--topic <topic>', 'of this audit topic only')
    .option('--partition <n>', 'of this partition only', wholeNumber('--partition', 0, 2 ** 31 - 1))
    .option('--latest', 'the head of each log only')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  sealstream checkpoints --partition 0 --latest')
    .action((options: CheckpointsOptions) => run(checkpoints(options)));
}
