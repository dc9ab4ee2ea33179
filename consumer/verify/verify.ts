/**
 * The verifier. For every partition of every topic: are its checkpoints signed, free of
 * contradiction and complete; do the records in the log lead to each of them; is the newest one
 * fresh; does nothing older than it should be lie beyond it; and does all that extend what this
 * verifier accepted before.
 */
import type { TopicIdentity } from '../../stream/stream.js';
import { partitionTasks } from '../checks.js';
import { limited } from '../deadline.js';
import { readVerifyOptions } from '../given.js';
import type { TopicToVerify, VerifyOptions } from '../options.js';
import { prepareTopic, type TopicState } from '../topic.js';
import {
  type Changes,
  CONFIGURATION_PARTITION,
  changesOf,
  configurationReport,
} from './configuration-report.js';
import { type VerifiedPartition, verifyPartition } from './partition.js';
import { type ConfigurationReport, type PartitionReport, type Report, report } from './report.js';

/** Partitions read at once: one is hashed while the others wait for the stream. */
const CONCURRENCY = 3;
/** With several walkers, so many partitions for each: none is to wait for work. */
const CONCURRENCY_EACH = 2;

/**
 * Verifies what the options name. Never throws for what the stream shows or fails to show: that is
 * in the report. Throws `malformed` on a broken memory and `usage` on impossible options.
 */
export async function verify(given: VerifyOptions): Promise<Report> {
  const { options, release } = limited(readVerifyOptions(given));
  try {
    return await verifyAll(options);
  } finally {
    release();
  }
}

async function verifyAll(options: VerifyOptions): Promise<Report> {
  const started = performance.now();
  const verified: VerifiedTopic[] = [];
  for (const topic of options.topics) verified.push(await verifyTopic(options, topic));
  const own = await verifyConfiguration(options, verified);
  const seconds = Math.round(performance.now() - started) / 1000;
  const partitions = verified.flatMap((topic) => topic.partitions);
  const probes = verified.reduce((sum, topic) => sum + topic.probes, own.probes);
  return report(options.ledger, seconds, partitions, own.configuration, probes);
}

/** Without the checkpoints: those of many topics would be much to hold at once. */
interface VerifiedTopic {
  readonly identity: TopicIdentity | null;
  readonly partitions: readonly PartitionReport[];
  readonly changes: Changes;
  readonly probes: number;
}

/** The configuration topic last: what the other logs' checkpoints name is in it by then. */
async function verifyConfiguration(
  options: VerifyOptions,
  verified: readonly VerifiedTopic[],
): Promise<{ readonly configuration: ConfigurationReport | null; readonly probes: number }> {
  const changes = verified.map((one) => one.changes);
  const { configuration: topic } = options;
  if (topic === undefined) {
    return { configuration: await configurationReport(options, changes, null), probes: 0 };
  }
  const whole = { ...options, partition: CONFIGURATION_PARTITION };
  const own = await verifyTopic(whole, { topic, partitions: 1 });
  const log = { topic, identity: own.identity, report: own.partitions[0] ?? null };
  const configuration = await configurationReport(options, [...changes, own.changes], log);
  return { configuration, probes: own.probes };
}

async function verifyTopic(options: VerifyOptions, topic: TopicToVerify): Promise<VerifiedTopic> {
  const state = await prepareTopic(options, topic);
  const { walkers, ...alone } = options;
  const isWorthIt = walkers !== undefined && sealedRecords(options, state) >= walkers.fewest;
  const verified = await verifyPartitions(isWorthIt ? options : alone, state);
  const changes = changesOf(state, options.partition);
  const partitions = verified.map((one) => one.report);
  const probes = verified.reduce((sum, one) => sum + one.probes, 0);
  return { identity: state.description, partitions, changes, probes };
}

/** To be read, by what is signed. */
function sealedRecords({ onlyNew }: VerifyOptions, { history, remembered }: TopicState): bigint {
  let records = 0n;
  for (const { head } of history.logs.values()) records += head?.checkpoint.size ?? 0n;
  if (onlyNew !== true) return records;
  for (const { checkpoint } of remembered.values()) records -= checkpoint?.size ?? 0n;
  return records;
}

async function verifyPartitions(
  options: VerifyOptions,
  state: TopicState,
): Promise<VerifiedPartition[]> {
  const walking = (options.walkers?.count ?? 0) * CONCURRENCY_EACH;
  const concurrency = Math.max(CONCURRENCY, walking);
  return inParallel(partitionTasks(options, state), concurrency, verifyPartition);
}

/** Results in the order of the tasks. */
async function inParallel<T, R>(
  tasks: readonly T[],
  limit: number,
  run: (task: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const entries = tasks.entries();
  const worker = async () => {
    for (const [index, task] of entries) results[index] = await run(task);
  };
  await Promise.all(Array.from({ length: Math.min(limit, tasks.length) }, worker));
  return results;
}
