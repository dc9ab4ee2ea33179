import { type Finding, type Verdict, verdictOfFindings, worstVerdict } from './verdict.js';

/** The `verify --json` document; 64-bit numbers are bigint here and strings there. */
export interface Report {
  readonly verdict: Verdict;
  readonly ledger: string;
  /** Records covered by checkpoints that verified, over all partitions. */
  readonly records: bigint;
  /** How long verification took. */
  readonly seconds: number;
  readonly partitions: readonly PartitionReport[];
}

export interface PartitionReport {
  /** null where the stream could not tell the topic's id. */
  readonly origin: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly verdict: Verdict;
  /** The head; `time` is ISO 8601 UTC. null: no validly signed checkpoint. */
  readonly sealed: {
    readonly size: bigint;
    readonly first: bigint;
    readonly next: bigint;
    readonly time: string;
  } | null;
  readonly verified: { readonly records: bigint; readonly checkpoints: number };
  /** Records seen beyond the head. */
  readonly unsealed: { readonly records: bigint };
  readonly findings: readonly Finding[];
}

/** A partition's report with its verdict drawn from its findings. */
export function partitionReport(parts: Omit<PartitionReport, 'verdict'>): PartitionReport {
  const { origin, topic, partition, ...rest } = parts;
  return { origin, topic, partition, verdict: verdictOfFindings(parts.findings), ...rest };
}

export function report(
  ledger: string,
  seconds: number,
  partitions: readonly PartitionReport[],
): Report {
  // Nothing looked at is not intact: whoever asks for no partition has no answer.
  const verdict =
    partitions.length === 0
      ? 'incomplete'
      : worstVerdict(partitions.map((partition) => partition.verdict));
  const records = partitions.reduce((sum, partition) => sum + partition.verified.records, 0n);
  return { verdict, ledger, records, seconds, partitions };
}

/** The report as one JSON document: every bigint becomes a decimal string. */
export function reportToJson(report: Report): string {
  return JSON.stringify(report, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}
