import { FolderPlace } from '../support/folder-place.js';
import { rollbackContract } from './rollback.contract.js';
import { tamperingContract } from './tampering.contract.js';

tamperingContract('file:', () => FolderPlace.open());
rollbackContract('file:', () => FolderPlace.open());
