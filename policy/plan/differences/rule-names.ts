import type { AccessRule } from '../../../stream/administration.js';

/** Stands for every principal. */
export const EVERYONE = 'User:*';

/** `topic audit`, `groups sealstream-sealer/…*`. */
function resourceOf({ resource, pattern, name }: AccessRule): string {
  if (resource === 'cluster') return 'the cluster';
  if (pattern === 'prefixed') return `${resource}s ${name}*`;
  return name === '*' ? `every ${resource}` : `${resource} ${name}`;
}

export function subjectOf(rule: AccessRule): string {
  const from = rule.host === '*' ? '' : ` from ${rule.host}`;
  return `${rule.principal}${from} on ${resourceOf(rule)}`;
}

/** What a waiver may name; empty where the rule reaches further than one topic. */
export function topicOf(rule: AccessRule | undefined): { topic?: string } {
  const own = rule?.resource === 'topic' && rule.pattern === 'literal' && rule.name !== '*';
  return own ? { topic: rule.name } : {};
}
