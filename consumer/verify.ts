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
import { prepareTopic } from './topic.js';

/** Partitions read at once: one is hashed while the others wait for the stream. */
const CONCURRENCY = 3;

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
  return inParallel(partitionTasks(options, state), CONCURRENCY, verifyPartition);
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
