/** What there is to verify of one topic: its identity, its checkpoints and what is remembered. */
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import { checkTopicId, formatOrigin } from '../ledger/origin.js';
import type { Memory } from '../store/memory.js';
import { readCheckpointRecords } from '../stream/checkpoint-topic.js';
import { SignatureChecks } from '../stream/signature-checks.js';
import type { Stream, TopicDescription } from '../stream/stream.js';
import { findingOf } from './failure.js';
import { History } from './history.js';
import { type ConsumerOptions, type TopicToVerify, timing } from './options.js';
import { addRemembered, findRollback, type Remembered, remember } from './remembered.js';
import { pause } from './source.js';
import { type Finding, finding } from './verdict.js';

export interface TopicState {
  readonly topic: string;
  readonly description: TopicDescription | null;
  readonly checkpoints: TopicDescription | null;
  readonly history: History;
  readonly remembered: ReadonlyMap<number, Remembered>;
  /** Partitions that must have a head: 0 … count − 1. */
  readonly count: number;
  /** What keeps the topic as a whole from being verified; every partition has these findings. */
  readonly findings: readonly Finding[];
  /** The stream answered for both topics, and the checkpoints were read to their end. */
  readonly answered: boolean;
}

/** Far more than a topic has: a stream that claims more is not counted along with. */
const MAX_PARTITIONS = 100_000;
/** Signed or expected counts beyond this many partitions that exist are not listed one by one. */
const MISSING_LISTED = 1000;

/** A second look is taken where the first shows less than is remembered. */
export async function prepareTopic(
  options: ConsumerOptions & { readonly memory?: Memory },
  expected: TopicToVerify,
): Promise<TopicState> {
  // Before the stream is read: another verifier may accept more while this one reads.
  const { ledger, publicKey, memory } = options;
  const remembered = await remember(memory, ledger, expected.topic, publicKey);
  const state = await look(options, expected, remembered);
  if (!isRolledBack(state)) return state;
  try {
    await pause(timing(options).confirmMs, options.signal);
  } catch (error) {
    // Time was up before the second look, so it is not known whether it has gone back.
    return { ...state, findings: [...state.findings, findingOf(error)], answered: false };
  }
  return look(options, expected, remembered);
}

function isRolledBack(state: TopicState): boolean {
  return [...state.remembered.keys()].some((partition) => rollbackOf(state, partition) !== null);
}

/** What was accepted of a partition and is not shown any more. An outage is no answer to that. */
export function rollbackOf(state: TopicState, partition: number): Finding | null {
  const topicId = state.description?.topicId ?? null;
  if (!state.answered) return null;
  const head = headOf(state, partition)?.checkpoint ?? null;
  const place = `${state.topic}/${partition}`;
  return findRollback(place, topicId, state.remembered.get(partition), head);
}

/** null: the stream told no topic id, or one that is none. */
export function originOf(state: TopicState, ledger: string, partition: number): string | null {
  if (state.description === null) return null;
  const { topicId } = state.description;
  try {
    return formatOrigin({ ledger, topic: state.topic, topicId, partition });
  } catch (error) {
    findingOf(error);
    return null;
  }
}

function headOf(state: TopicState, partition: number) {
  for (const log of state.history.logs.values()) {
    const { origin, head } = log;
    if (origin.topicId === state.description?.topicId && origin.partition === partition)
      return head;
  }
  return null;
}

async function look(
  options: ConsumerOptions,
  expected: TopicToVerify,
  remembered: ReadonlyMap<number, Remembered>,
): Promise<TopicState> {
  const { topic } = expected;
  const { ledger, publicKey } = options;
  const findings: Finding[] = [];
  const description = await describe(options, topic, findings);
  const history = new History(ledger, topic, publicKey);
  // A stream that does not answer for the one topic is not waited for a second time.
  const checkpoints = findings.some(isFailure)
    ? null
    : await describe(options, checkpointTopic(topic), findings);
  const read =
    checkpoints === null ? history : await readHistory(options, checkpoints, history, findings);
  addRemembered(read, remembered);
  const answered = !findings.some(isFailure);
  const present = description?.partitions ?? 0;
  if (description !== null) findings.push(...checkTopicIdentity(description));
  if (present > MAX_PARTITIONS) {
    findings.push(
      finding('unreadable', `${topic}: ${present} partitions are more than any topic has`),
    );
  }
  const known = Math.max(
    1,
    present > MAX_PARTITIONS ? 0 : present,
    ...[...remembered.keys()].map((partition) => partition + 1),
  );
  const demanded = Math.max(known, read.partitions, expected.partitions ?? 0);
  const count = Math.min(demanded, known + MISSING_LISTED);
  return { topic, description, checkpoints, history: read, remembered, count, findings, answered };
}

function checkTopicIdentity({ topicId }: TopicDescription): Finding[] {
  try {
    checkTopicId(topicId);
    return [];
  } catch (error) {
    return [findingOf(error)];
  }
}

function isFailure(found: Finding): boolean {
  return found.code !== 'topic-missing';
}

async function describe(
  options: ConsumerOptions,
  topic: string,
  findings: Finding[],
): Promise<TopicDescription | null> {
  try {
    const description = await askPatiently(options, (stream) => stream.describe(topic));
    if (description === null) {
      findings.push(finding('topic-missing', `${options.stream.url} has no topic ${topic}`));
    }
    return description;
  } catch (error) {
    findings.push(findingOf(error));
    return null;
  }
}

const RETRY_PAUSE_MS = 200;

/** Asks again while the stream cannot be reached, until the timeout. */
async function askPatiently<T>(
  options: ConsumerOptions,
  ask: (stream: Stream) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + timing(options).timeoutMs;
  for (;;) {
    try {
      return await ask(options.stream);
    } catch (error) {
      const retry = error instanceof SealstreamError && error.class === 'retry';
      if (!retry || performance.now() + RETRY_PAUSE_MS >= deadline) throw error;
      await pause(RETRY_PAUSE_MS, options.signal);
    }
  }
}

/** A corrupt batch is believed when a second reading from the beginning finds it too. */
async function readHistory(
  options: ConsumerOptions,
  checkpoints: TopicDescription,
  empty: History,
  findings: Finding[],
): Promise<History> {
  for (let attempt = 1; ; attempt++) {
    const history = empty.anew();
    try {
      const reading = { ...timing(options), recycle: true };
      const checks = new SignatureChecks(options.publicKey);
      for await (const record of readCheckpointRecords(options.stream, checkpoints, reading)) {
        const { signed, apply } = history.read(record);
        await checks.inOrder(signed, record.body.length, apply);
      }
      await checks.end();
      return history;
    } catch (error) {
      const corrupt = error instanceof SealstreamError && error.code === 'batch-corrupt';
      if (corrupt && attempt === 1) continue;
      findings.push(findingOf(error));
      return history;
    }
  }
}
