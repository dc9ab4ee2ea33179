/** One partition: all its checks, and what they make of it. */
import { checkPartition, logOf, type PartitionTask } from './checks.js';
import { Recomputation } from './recompute.js';
import { accept } from './remembered.js';
import { type PartitionReport, partitionReport } from './report.js';
import { openLog, overdueFinding } from './sealed-log.js';
import { originOf } from './topic.js';
import type { Finding } from './verdict.js';

export async function verifyPartition(task: PartitionTask): Promise<PartitionReport> {
  const { options, state, partition } = task;
  const log = logOf(task);
  const head = log?.head?.checkpoint ?? null;
  const findings = checkPartition(task);
  const recomputed = await recompute(task, findings);
  const report = partitionReport({
    origin: originOf(state, options.ledger, partition),
    topic: state.topic,
    partition,
    sealed:
      head === null
        ? null
        : {
            size: head.size,
            first: head.first,
            next: head.next,
            time: new Date(head.time).toISOString(),
          },
    verified: { records: recomputed?.records ?? 0n, checkpoints: recomputed?.checkpoints ?? 0 },
    unsealed: { records: recomputed?.tail.records ?? 0n },
    findings: findings.filter((found, index) => index === findings.findIndex(isSameAs(found))),
  });
  if (report.verdict === 'intact' && options.memory !== undefined && log?.head) {
    const key = { ledger: options.ledger, topic: state.topic, partition };
    await accept(options.memory, key, log.head, options.publicKey);
  }
  return report;
}

/** One outage meets several checks of a partition; it is said once. */
function isSameAs({ code, message, from, to }: Finding): (other: Finding) => boolean {
  return (other) =>
    other.code === code && other.message === message && other.from === from && other.to === to;
}

async function recompute(task: PartitionTask, findings: Finding[]): Promise<Recomputation | null> {
  const opened = await openLog(task, findings);
  if (opened === null) return null;
  const { options, state, partition } = task;
  const recomputation = new Recomputation(opened.log, {
    source: opened.source,
    bounds: opened.bounds,
    sealedBefore: opened.sealedBefore,
    onProgress: (position, until) =>
      options.onProgress?.({ topic: state.topic, partition, position, until }),
  });
  await recomputation.run();
  findings.push(...recomputation.findings, ...overdueFinding(opened.source, recomputation.tail));
  return recomputation;
}
