/** What there is to verify of one topic: its identity, its checkpoints and what is remembered. */
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { Memory } from '../store/memory.js';
import { readCheckpointRecords } from '../stream/checkpoint-topic.js';
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
}

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
  await pause(timing(options).confirmMs, options.signal);
  return look(options, expected, remembered);
}

function isRolledBack(state: TopicState): boolean {
  const topicId = state.description?.topicId ?? null;
  for (const [partition, remembered] of state.remembered) {
    const head = headOf(state, partition)?.checkpoint ?? null;
    if (findRollback(state.topic, topicId, remembered, head) !== null) return true;
  }
  return false;
}

export function originOf(state: TopicState, ledger: string, partition: number): string | null {
  if (state.description === null) return null;
  return `${ledger}/${state.topic}/${state.description.topicId}/${partition}`;
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
  const findings: Finding[] = [];
  const description = await describe(options, topic, findings);
  const name = checkpointTopic(topic);
  const checkpoints = await describe(options, name, findings);
  const history = await readHistory(options, topic, description, checkpoints, findings);
  addRemembered(history, remembered);
  const known = Math.max(
    1,
    description?.partitions ?? 0,
    ...[...remembered.keys()].map((p) => p + 1),
  );
  const demanded = Math.max(known, history.partitions, expected.partitions ?? 0);
  const count = Math.min(demanded, known + MISSING_LISTED);
  return { topic, description, checkpoints, history, remembered, count, findings };
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
  topic: string,
  description: TopicDescription | null,
  checkpoints: TopicDescription | null,
  findings: Finding[],
): Promise<History> {
  const make = () =>
    new History(options.ledger, topic, description?.topicId ?? null, options.publicKey);
  if (checkpoints === null) return make();
  for (let attempt = 1; ; attempt++) {
    const history = make();
    try {
      for await (const record of readCheckpointRecords(
        options.stream,
        checkpoints,
        timing(options),
      )) {
        history.add(record);
      }
      return history;
    } catch (error) {
      const corrupt = error instanceof SealstreamError && error.code === 'batch-corrupt';
      if (corrupt && attempt === 1) continue;
      findings.push(findingOf(error));
      return history;
    }
  }
}
