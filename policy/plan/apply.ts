import { SealstreamError } from '../../ledger/error.js';
import type { Administration } from '../../stream/administration.js';
import type { Stream, TopicDescription } from '../../stream/stream.js';
import { type Change, type Difference, isPending, isRefused } from './difference.js';

/** A difference that was just mended. */
export interface Applied {
  readonly difference: Difference;
  /** This very call created the topic; only then may its logs be started without an operator. */
  readonly created: boolean;
}

type Kind = Change['kind'];
type ChangeOf<K extends Kind> = Extract<Change, { readonly kind: K }>;
type WithChange<K extends Kind> = Difference & { readonly change: ChangeOf<K> };

/** Of one request to the cluster. */
const RULES_AT_ONCE = 500;

/** What `apply` does: everything pending that it can do, but for recording the configuration. */
export function applicable(differences: readonly Difference[]): Difference[] {
  return differences.filter(
    (difference) =>
      isPending(difference) && difference.change !== null && difference.change.kind !== 'record',
  );
}

/**
 * Does what can be done, telling of each difference once it is mended. In this order, so that it can
 * be cut short anywhere and run again: topics, settings, partitions, rules added, rules removed (a
 * role is never without its rights in between), quotas. Throws `usage` where one is refused, before
 * anything is changed; else what the cluster says.
 */
export async function* applyDifferences(
  administration: Administration,
  stream: Stream,
  differences: readonly Difference[],
): AsyncGenerator<Applied> {
  const refused = differences.find(isRefused);
  if (refused !== undefined) {
    throw new SealstreamError(
      'usage',
      `${refused.subject}: ${refused.field} is refused: ${refused.remedy}`,
    );
  }
  const todo = applicable(differences);
  for (const difference of ofKind(todo, 'create-topic')) {
    yield { difference, created: await stream.createTopic(difference.change.specification) };
  }
  for (const [topic, group] of byTopic(ofKind(todo, 'settings'))) {
    await administration.changeSettings(
      topic,
      new Map(group.flatMap(({ change }) => [...change.settings])),
    );
    yield* mended(group);
  }
  for (const difference of ofKind(todo, 'partitions')) {
    const { topic, total } = difference.change;
    await administration.addPartitions(topic, total);
    yield* mended([difference]);
  }
  for (const kind of ['add-rules', 'remove-rules'] as const) {
    for (const group of inLots(ofKind(todo, kind))) {
      const rules = group.flatMap(({ change }) => change.rules);
      if (kind === 'add-rules') await administration.addAccessRules(rules);
      else await administration.removeAccessRules(rules);
      yield* mended(group);
    }
  }
  for (const difference of ofKind(todo, 'quota')) {
    await administration.setQuota(difference.change.quota);
    yield* mended([difference]);
  }
}

function ofKind<K extends Kind>(differences: readonly Difference[], kind: K): WithChange<K>[] {
  return differences.filter(
    (difference): difference is WithChange<K> => difference.change?.kind === kind,
  );
}

function byTopic(
  differences: readonly WithChange<'settings'>[],
): Map<string, WithChange<'settings'>[]> {
  const groups = new Map<string, WithChange<'settings'>[]>();
  for (const difference of differences) {
    const { topic } = difference.change;
    groups.set(topic, [...(groups.get(topic) ?? []), difference]);
  }
  return groups;
}

type WithRules = WithChange<'add-rules' | 'remove-rules'>;

function* inLots(differences: readonly WithRules[]): Generator<WithRules[]> {
  let lot: WithRules[] = [];
  let count = 0;
  for (const difference of differences) {
    const { length } = difference.change.rules;
    if (count > 0 && count + length > RULES_AT_ONCE) {
      yield lot;
      [lot, count] = [[], 0];
    }
    lot.push(difference);
    count += length;
  }
  if (count > 0) yield lot;
}

function* mended(differences: readonly Difference[]): Generator<Applied> {
  for (const difference of differences) yield { difference, created: false };
}

const DESCRIBE_ATTEMPTS = 50;
const PAUSE_MS = 100;

/**
 * The topic with at least `partitions` of them: what was just created or added may take a moment until
 * every broker knows it. Throws `timeout`.
 */
export async function describeApplied(
  stream: Stream,
  topic: string,
  partitions: number,
): Promise<TopicDescription> {
  for (let attempt = 0; attempt < DESCRIBE_ATTEMPTS; attempt += 1) {
    const description = await stream.describe(topic);
    if (description !== null && description.partitions >= partitions) return description;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new SealstreamError(
    'timeout',
    `${topic} on ${stream.url} was created but does not show; run apply again`,
  );
}
