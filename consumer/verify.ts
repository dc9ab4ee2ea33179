/**
 * The verifier. For every partition of every topic: are its checkpoints signed, free of
 * contradiction and complete; do the records in the log lead to each of them; is the newest one
 * fresh; does nothing older than it should be lie beyond it; and does all that extend what this
 * verifier accepted before.
 */
import { partitionTasks } from './checks.js';
import type { TopicToVerify, VerifyOptions } from './options.js';
import { verifyPartition } from './partition.js';
import { type PartitionReport, type Report, report } from './report.js';
import { prepareTopic, type TopicState } from './topic.js';

/** Partitions read at once: one is hashed while the others wait for the stream. */
const CONCURRENCY = 3;
/** With several walkers, so many partitions for each: none is to wait for work. */
const CONCURRENCY_EACH = 2;

/**
 * Verifies what the options name. Never throws for what the stream shows or fails to show: that is
 * in the report. Throws `malformed` on a broken memory and `usage` on impossible options.
 */
export async function verify(options: VerifyOptions): Promise<Report> {
  const started = performance.now();
  const partitions: PartitionReport[] = [];
  for (const topic of options.topics) {
    partitions.push(...(await verifyTopic(options, topic)));
  }
  const seconds = Math.round(performance.now() - started) / 1000;
  return report(options.ledger, seconds, partitions);
}

async function verifyTopic(
  options: VerifyOptions,
  topic: TopicToVerify,
): Promise<PartitionReport[]> {
  const state = await prepareTopic(options, topic);
  const { walkers, ...alone } = options;
  const isWorthIt = walkers !== undefined && sealedRecords(state) >= walkers.shortest;
  return verifyPartitions(isWorthIt ? options : alone, state);
}

function sealedRecords({ history }: TopicState): bigint {
  let records = 0n;
  for (const { head } of history.logs.values()) records += head?.checkpoint.size ?? 0n;
  return records;
}

async function verifyPartitions(
  options: VerifyOptions,
  state: TopicState,
): Promise<PartitionReport[]> {
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
