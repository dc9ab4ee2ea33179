import { type Finding, type Verdict, verdictOfFindings, worstVerdict } from '../verdict.js';

/** The `verify --json` document; 64-bit numbers are bigint here and strings there. */
export interface Report {
  readonly verdict: Verdict;
  readonly ledger: string;
  /** Records covered by checkpoints that verified, over all `partitions`. */
  readonly records: bigint;
  /** How long verification took. */
  readonly seconds: number;
  /** Places that were sought again, over all logs: see `probes` of the options. */
  readonly probes: number;
  readonly partitions: readonly PartitionReport[];
  /** null: no configuration topic was verified, and no checkpoint names a configuration. */
  readonly configuration: ConfigurationReport | null;
}

export interface ConfigurationReport {
  /** null: the verifier does not know the ledger's configuration topic. */
  readonly topic: string | null;
  /** That topic's own log, whose verdict counts like the others'. */
  readonly log: PartitionReport | null;
  /** By time, of that log too. */
  readonly changes: readonly ConfigurationChange[];
  /** Further changes that are not listed. */
  readonly more: number;
}

/** From this checkpoint on a log's checkpoints name another configuration than before. */
export interface ConfigurationChange {
  /** Base64 SHA-256 of its canonical text; null: none is named any more. */
  readonly config: string | null;
  /** What the line says where that is no hash; else null. */
  readonly text: string | null;
  readonly topic: string;
  readonly partition: number;
  readonly size: bigint;
  readonly next: bigint;
  /** ISO 8601, UTC. */
  readonly time: string;
  /**
   * The first offset of the configuration topic, at or above its log's `first`, whose record names
   * it; null: not found, which says little where that log could not be read or is not intact.
   */
  readonly known: bigint | null;
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
  configuration: ConfigurationReport | null = null,
  probes = 0,
): Report {
  const log = configuration?.log ?? null;
  const verdicts = (log === null ? partitions : [...partitions, log]).map(({ verdict }) => verdict);
  // Nothing looked at is not intact: whoever asks for no partition has no answer.
  const verdict = partitions.length === 0 ? 'incomplete' : worstVerdict(verdicts);
  const records = partitions.reduce((sum, partition) => sum + partition.verified.records, 0n);
  return { verdict, ledger, records, seconds, probes, partitions, configuration };
}

/** The report as one JSON document: every bigint becomes a decimal string. */
export function reportToJson(report: Report): string {
  return JSON.stringify(report, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}
