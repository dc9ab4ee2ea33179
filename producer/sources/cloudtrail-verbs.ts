import type { Category, Operation } from '../../schemas/generated.js';
import type { Fields } from './flatten.js';

const SIGN_IN = /^(?:ConsoleLogin|AssumeRole|GetSessionToken|GetFederationToken)/;

/** The first that matches an event name that is not readOnly. */
const VERBS: readonly (readonly [RegExp, Operation])[] = [
  [/^(?:Authorize|Grant|(?:Attach|Put)(?:User|Role|Group)Policy|AddUserToGroup)/, 'GRANT'],
  [/^(?:Revoke|(?:Detach|Delete)(?:User|Role|Group)Policy|RemoveUserFromGroup)/, 'REVOKE'],
  [/^(?:Create|Run|Allocate|Register|Import|Request|Launch|Copy)/, 'CREATE'],
  [/^(?:Delete|Terminate|Release|Deregister|Purge|Destroy)/, 'DELETE'],
  [/^(?:Export)/, 'EXPORT'],
  [/^(?:Update|Modify|Put|Set|Change|Tag|Untag|Attach|Detach|Associate|Disassociate)/, 'UPDATE'],
  [/^(?:Add|Remove|Enable|Disable|Replace|Reset|Restore|Rotate|Upload)/, 'UPDATE'],
  [/^(?:Start|Stop|Reboot|Invoke|Execute|Send|Publish|Cancel)/, 'EXECUTE'],
];
const READING = /^(?:Get|List|Describe|Head|Lookup|Search|Query|Scan|BatchGet)/;

/** What was done: sign-ins first, then readOnly, then the event name's first word. */
export function cloudTrailOperation(fields: Fields, name: string): Operation {
  if (SIGN_IN.test(name)) return 'LOGIN';
  const readOnly = fields['readOnly'];
  if (readOnly === true || readOnly === 'true') return 'READ';
  const verb = VERBS.find(([pattern]) => pattern.test(name));
  if (verb !== undefined) return verb[1];
  return READING.test(name) ? 'READ' : 'OTHER';
}

export function cloudTrailCategory(fields: Fields, source: string, name: string): Category {
  if (SIGN_IN.test(name) || source.startsWith('signin.')) return 'AUTHENTICATION';
  if (fields['eventCategory'] === 'Data') return 'DATA_ACCESS';
  const reads = cloudTrailOperation(fields, name) === 'READ';
  if (source.startsWith('iam.') && !reads) return 'IDENTITY_CHANGE';
  return fields['eventType'] === 'AwsServiceEvent' ? 'SYSTEM' : 'API_ACTIVITY';
}
