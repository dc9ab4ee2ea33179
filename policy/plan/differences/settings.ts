import type { Setting, TopicState } from '../../../stream/administration.js';
import { type Comparison, differ } from '../comparison.js';
import type { DesiredTopic } from '../desired.js';
import type { Difference } from '../difference.js';
import { codeOf, directionOf, isLooser } from '../direction.js';

/** Settings of topics: those that are there, and those that would be created too loose. */
export function settingDifferences(comparison: Comparison): Difference[] {
  return comparison.topics.flatMap((desired) => {
    const { topic } = desired.specification;
    const state = comparison.observed.topics.get(topic) ?? null;
    if (state?.settings === null) return [unseen(comparison, topic)];
    return [
      ...[...desired.specification.settings].flatMap(([setting, wanted]) =>
        one(comparison, desired, state, setting, wanted),
      ),
      ...undeclared(comparison, desired, state),
    ];
  });
}

/**
 * What someone set on the topic itself and no file declares. To whom it is left is a person: what
 * others may rely on is not for `apply` to take away.
 */
function undeclared(
  comparison: Comparison,
  { role, specification: { topic, settings } }: DesiredTopic,
  state: TopicState | null,
): Difference[] {
  if (comparison.embedded) return [];
  const own = [...(state?.settings ?? [])].filter(
    ([setting, { source, value }]) => source === 'topic' && value !== '' && !settings.has(setting),
  );
  return own.map(([setting, { value }]) => {
    const removal =
      `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} ` +
      `--delete-config ${setting}`;
    // Compacted topics do not expire; what keeps audit topics whole means little there.
    const code = role === 'checkpoints' ? 'topic-setting' : codeOf(setting);
    return differ(comparison, {
      code,
      topic,
      subject: `topic ${topic}`,
      field: setting,
      found: value,
      wanted: null,
      effect: 'none',
      by: 'operator',
      remedy: role === 'audit' ? `${removal}, or declare it` : removal,
    });
  });
}

/** Of the partition that has the fewest. */
function fewestReplicas({ partitions }: TopicState): number {
  return Math.min(...partitions.map(({ replicas }) => replicas.length));
}

function unseen(comparison: Comparison, topic: string): Difference {
  return differ(comparison, {
    code: 'settings-unseen',
    topic,
    subject: `topic ${topic}`,
    field: 'settings',
    found: null,
    wanted: 'to be seen',
    effect: 'none',
    by: 'operator',
    remedy: 'grant DescribeConfigs on the topic to the principal that runs this',
  });
}

function one(
  comparison: Comparison,
  desired: DesiredTopic,
  state: TopicState | null,
  setting: string,
  wanted: string,
): Difference[] {
  const { topic } = desired.specification;
  const required = desired.required.get(setting);
  const found = state?.settings?.get(setting);
  const at = { topic, subject: `topic ${topic}`, field: setting, wanted } as const;
  const change = { kind: 'settings', topic, settings: new Map([[setting, wanted]]) } as const;

  if (isLooser(setting, wanted, required)) {
    // Also where the cluster is as loose already: a waiver may have run out since.
    const loosening = differ(comparison, {
      ...at,
      code: codeOf(setting),
      found: found?.value ?? null,
      effect: 'loosens',
      by: 'apply',
      remedy: required === undefined ? `leave ${setting} out` : `declare ${setting}: ${required}`,
      ...(state === null ? {} : { change }),
    });
    return found?.value === wanted && loosening.waiver !== null ? [] : [loosening];
  }
  if (state === null) return [];
  if (found?.value === wanted) return inherited(comparison, topic, setting, found, wanted);
  const effect = directionOf(setting, found?.value ?? '', wanted, required);
  if (setting === 'min.insync.replicas' && Number(wanted) > fewestReplicas(state)) {
    // Brokers would refuse every event from then on.
    const remedy = `give every partition ${wanted} replicas first, by kafka-reassign-partitions.sh`;
    const [code, was] = [codeOf(setting), found?.value ?? null];
    return [differ(comparison, { ...at, code, found: was, effect, by: 'operator', remedy })];
  }
  return [
    differ(comparison, {
      ...at,
      code: codeOf(setting),
      found: found?.value ?? null,
      effect,
      ...(comparison.embedded
        ? { by: 'operator', remedy: 'a file: stream cannot change it: make the topic anew' }
        : {
            by: 'apply',
            remedy:
              effect === 'loosens'
                ? `declare ${setting}: ${found?.value ?? required ?? wanted}`
                : `sealstream apply sets ${setting}=${wanted}`,
            change,
          }),
    }),
  ];
}

/** Brokers of an embedded stream have no defaults that could change. */
function inherited(
  comparison: Comparison,
  topic: string,
  setting: string,
  found: Setting,
  wanted: string,
): Difference[] {
  if (comparison.embedded || found.source === 'topic') return [];
  return [
    differ(comparison, {
      code: 'setting-inherited',
      topic,
      subject: `topic ${topic}`,
      field: setting,
      found: `${wanted}, by default`,
      wanted: `${wanted}, of the topic's own`,
      effect: 'tightens',
      by: 'apply',
      remedy: `sealstream apply sets ${setting}=${wanted} on the topic itself`,
      change: { kind: 'settings', topic, settings: new Map([[setting, wanted]]) },
    }),
  ];
}
