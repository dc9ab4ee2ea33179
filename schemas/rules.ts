import type { AuditEvent, AuditEventInput } from './generated.js';
import { invalid } from './invalid.js';

/** What a type cannot say. */

const ACTION = /^[A-Za-z0-9_:/-]+(?:\.[A-Za-z0-9_:/-]+)*$/;
const ATTRIBUTE = /^[a-z][a-z0-9_.-]{0,63}$/;

/** Throws `event-invalid`. */
export function checkRules(event: AuditEvent): void {
  if (!isAction(event.action)) {
    throw invalid('/action', 'must be 1 to 255 characters: dotted words of A-Z a-z 0-9 _ : / -');
  }
  for (const key of Object.keys(event.attributes)) {
    if (!isAttributeKey(key)) {
      throw invalid(
        `/attributes/${key.slice(0, 100)}`,
        `has a key that does not match ${ATTRIBUTE}`,
      );
    }
  }
  event.changes.forEach((change, at) => {
    if (!isIndex(change.resource, event.resources)) {
      throw invalid(`/changes/${at}/resource`, 'is no index into /resources');
    }
  });
}

/** Whether checkRules would take the event of `input`, whose types and keys are checked. */
export function obeysRules(input: AuditEventInput): boolean {
  const { action, changes, resources = [] } = input;
  if (!isAction(action)) return false;
  if (changes === undefined) return true;
  return changes.every(({ resource = 0 }) => isIndex(resource, resources));
}

export function isAttributeKey(key: string): boolean {
  return ATTRIBUTE.test(key);
}

function isAction(action: string): boolean {
  return action.length <= 255 && ACTION.test(action);
}

function isIndex(resource: number, resources: readonly unknown[]): boolean {
  return resource >= 0 && resource < Math.max(1, resources.length);
}
