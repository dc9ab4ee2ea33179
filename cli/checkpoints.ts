import type { Command } from 'commander';
import { type Checkpoint, uncheckedCheckpoint } from '../ledger/checkpoint.js';
import { checkpointTopic, readCheckpointRecord } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { parseOrigin } from '../ledger/origin.js';
import { readCheckpointRecords } from '../stream/checkpoint-topic.js';
import { SignatureChecks, type SignedMessage } from '../stream/signature-checks.js';
import type { Stream, StreamRecord, TopicDescription } from '../stream/stream.js';
import { wholeNumber } from './arguments.js';
import { EXIT } from './exit.js';
import { print, printLine, tell, toJson } from './output.js';
import { type CommonOptions, selectLogs, verifyingKey, withSession } from './session.js';

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

interface Unchecked {
  readonly signed: SignedMessage | null;
  /** The record's checkpoint; throws why it is none of this ledger's. */
  readonly open: (valid: boolean) => Found;
}

function readRecord(record: StreamRecord, key: PublicKey): Unchecked {
  try {
    if (record.value === null) throw new SealstreamError('malformed', 'a tombstone');
    const { decoded, note: parsed } = readCheckpointRecord(record);
    const { topic, partition } = parseOrigin(decoded.origin);
    const { offset } = record;
    const { note } = decoded.record;
    const signed = uncheckedCheckpoint(parsed, decoded.origin, key);
    const open = (valid: boolean): Found => {
      return { topic, partition, offset, note, checkpoint: signed.open(valid) };
    };
    return { signed, open };
  } catch (error) {
    const open = (): never => {
      throw error;
    };
    return { signed: null, open };
  }
}

/** The head of a log: largest (size, time), FORMAT §6. */
function isLater(a: Checkpoint, b: Checkpoint): boolean {
  return a.size > b.size || (a.size === b.size && a.time > b.time);
}

/** The heads of all logs, by topic and partition. */
async function* latestOfEach(found: AsyncIterable<Found>): AsyncGenerator<Found> {
  const heads = new Map<string, Found>();
  for await (const candidate of found) {
    const head = heads.get(candidate.checkpoint.origin);
    if (head === undefined || isLater(candidate.checkpoint, head.checkpoint)) {
      heads.set(candidate.checkpoint.origin, candidate);
    }
  }
  yield* [...heads.values()].sort((a, b) => a.partition - b.partition);
}

interface Place {
  readonly topic: string;
  readonly checkpoints: TopicDescription;
  /** null: the audit topic is not there. */
  readonly audit: TopicDescription | null;
}

async function placeOf(stream: Stream, topic: string): Promise<Place> {
  const name = checkpointTopic(topic);
  const [checkpoints, audit] = await Promise.all([stream.describe(name), stream.describe(topic)]);
  if (checkpoints !== null) return { topic, checkpoints, audit };
  throw new SealstreamError('topic-missing', `${name} does not exist on ${stream.url}`);
}

/** In the order of the topic; only so many are held: whoever may write to it can fill it. */
async function* openAll(
  stream: Stream,
  ledger: string,
  { topic, checkpoints, audit }: Place,
  key: PublicKey,
  options: CheckpointsOptions,
): AsyncGenerator<Found> {
  const checks = new SignatureChecks(key);
  let opened: Found[] = [];
  const take = (found: Found): void => {
    const origin = parseOrigin(found.checkpoint.origin);
    const wanted =
      origin.ledger === ledger &&
      origin.topic === topic &&
      (options.partition === undefined || origin.partition === options.partition) &&
      // The head of a log that a re-created topic replaced is history, not the latest.
      (options.latest !== true || audit === null || origin.topicId === audit.topicId);
    if (wanted) opened.push(found);
  };
  const orTell = (offset: bigint, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SealstreamError) || error.class !== 'data') throw error;
      const what = `left out: ${error.message}; verify says what it means`;
      tell(`${checkpoints.topic} offset ${offset}: ${what}`);
    }
  };
  for await (const record of readCheckpointRecords(stream, checkpoints)) {
    const { offset, body } = record;
    const { signed, open } = readRecord(record, key);
    await checks.inOrder(signed, body.length, (valid) => orTell(offset, () => take(open(valid))));
    yield* opened;
    opened = [];
  }
  await checks.end();
  yield* opened;
}

function jsonOf({ topic, partition, offset, note, checkpoint }: Found): string {
  const { origin, size, first, next } = checkpoint;
  const time = new Date(checkpoint.time).toISOString();
  return toJson({ origin, topic, partition, offset, size, first, next, time, note });
}

async function checkpoints(options: CheckpointsOptions): Promise<number> {
  return withSession(options, async ({ configuration, stream }) => {
    const key = await verifyingKey(configuration, options.config);
    const names = selectLogs(configuration, options.topic).map(({ name }) => name);
    const places: Place[] = [];
    for (const name of names) places.push(await placeOf(stream, name));
    const json = options.json === true;
    let count = 0;
    for (const place of places) {
      const all = openAll(stream, configuration.ledger, place, key, options);
      for await (const found of options.latest === true ? latestOfEach(all) : all) {
        if (json) await print(`${count === 0 ? '[' : ','}${jsonOf(found)}`);
        else await print(`${count === 0 ? '' : '\n'}${found.note}`);
        count += 1;
      }
    }
    if (json) await printLine(count === 0 ? '[]' : ']');
    if (count > 0) return EXIT.done;
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
    .option('--topic <topic>', 'of this topic only')
    .option('--partition <n>', 'of this partition only', wholeNumber('--partition', 0, 2 ** 31 - 1))
    .option('--latest', 'the head of each log only')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA control character, which no sealer writes, is shown as \\u202e and the like; --json has the\n' +
        'exact note.\n\nExample:\n  sealstream checkpoints --partition 0 --latest',
    )
    .action((options: CheckpointsOptions) => run(checkpoints(options)));
}
