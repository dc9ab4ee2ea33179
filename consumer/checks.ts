/**
 * The checks of one partition that need no record of it: what its checkpoints, the topic and the
 * memory say. Each gives findings; none is the only one that counts.
 */
import type { LogHistory } from './history.js';
import type { VerifyOptions } from './options.js';
import { originOf, rollbackOf, type TopicState } from './topic.js';
import { type Finding, finding } from './verdict.js';

/** A checkpoint's time may be this far ahead of the reader's clock. */
const CLOCK_TOLERANCE_MS = 5 * 60 * 1000;

export interface PartitionTask {
  readonly options: VerifyOptions;
  readonly state: TopicState;
  readonly partition: number;
  /** The partition that unplaced findings are reported with. */
  readonly unplaced: boolean;
  /** Milliseconds since 1970, taken when the checkpoints were read. */
  readonly now: number;
}

export function partitionTasks(options: VerifyOptions, state: TopicState): PartitionTask[] {
  const now = (options.clock ?? Date.now)();
  const partitions =
    options.partition === undefined
      ? Array.from({ length: state.count }, (_, partition) => partition)
      : [options.partition];
  return partitions.map((partition, index) => {
    return { options, state, partition, unplaced: index === 0, now };
  });
}

/** The log that is the partition now; undefined: no signed checkpoint, or no topic. */
export function logOf({ options, state, partition }: PartitionTask): LogHistory | undefined {
  const origin = originOf(state, options.ledger, partition);
  return origin === null ? undefined : state.history.logs.get(origin);
}

export function checkPartition(task: PartitionTask): Finding[] {
  const log = logOf(task);
  return [
    ...task.state.findings,
    ...checkRecords(task),
    ...checkRecreated(task),
    ...checkHead(task, log),
    ...checkFreshness(task, log),
    ...checkMemory(task),
  ];
}

/** Forged, malformed and erased records of the checkpoint topic. */
function checkRecords({ state, partition, unplaced }: PartitionTask): Finding[] {
  const { history, count } = state;
  const findings = history.findings.of(partition, unplaced, count);
  if (history.opened) return [...findings, ...history.unopened.of(partition, unplaced, count)];
  if (history.unopened.empty) return findings;
  const message =
    `no checkpoint of ${state.topic} was signed by this key; ` +
    'check that it is the key of this ledger';
  return [...findings, finding('wrong-key', message)];
}

/** Records were sealed, or accepted, in a topic of this name that is not there any more. */
function checkRecreated({ state, partition }: PartitionTask): Finding[] {
  const { description, history } = state;
  if (description === null) return [];
  const findings: Finding[] = [];
  for (const { origin, points } of history.logs.values()) {
    if (origin.partition !== partition || origin.topicId === description.topicId) continue;
    const size = largestSize(points);
    if (size === 0n) continue;
    findings.push(
      finding(
        'topic-recreated',
        `${state.topic}/${partition}: ${size} records were sealed in the topic with id ` +
          `${origin.topicId}; the topic now has id ${description.topicId}, so they are gone`,
      ),
    );
  }
  return findings;
}

function largestSize(points: LogHistory['points']): bigint {
  let largest = 0n;
  for (let index = 0; index < points.length; index++) {
    const size = points.sizeOf(index);
    if (size > largest) largest = size;
  }
  return largest;
}

function checkHead({ state, partition }: PartitionTask, log: LogHistory | undefined): Finding[] {
  const { description, history } = state;
  const findings: Finding[] = [];
  if (description !== null && partition >= description.partitions) {
    findings.push(
      finding(
        'partition-missing',
        `${state.topic} has ${description.partitions} partitions, but must have partition ${partition}`,
      ),
    );
  }
  const wrongKey = !history.opened && !history.unopened.empty;
  if (!log?.head && !wrongKey && state.answered && state.checkpoints && description) {
    findings.push(
      finding(
        'no-checkpoint',
        `${state.topic}/${partition}: no signed checkpoint; nothing is sealed`,
      ),
    );
  }
  return findings;
}

function checkFreshness(task: PartitionTask, log: LogHistory | undefined): Finding[] {
  const head = log?.head?.checkpoint;
  if (head === undefined) return [];
  const place = `${task.state.topic}/${task.partition}`;
  const time = new Date(head.time).toISOString();
  const age = task.now - head.time;
  if (age > task.options.maxAge) {
    const message =
      `${place}: the newest checkpoint is of ${time}, ${Math.round(age / 1000)} s ago; ` +
      'the sealer stands still or its checkpoints are withheld';
    return [finding('stale', message)];
  }
  if (-age > CLOCK_TOLERANCE_MS) {
    const message = `${place}: the newest checkpoint is of ${time}, which is in the future here`;
    return [finding('stale', message)];
  }
  return [];
}

function checkMemory({ state, partition }: PartitionTask): Finding[] {
  const problem = state.remembered.get(partition)?.problem ?? null;
  return [problem, rollbackOf(state, partition)].filter((found) => found !== null);
}
