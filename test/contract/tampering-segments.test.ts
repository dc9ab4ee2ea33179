import { FolderPlace } from '../support/folder-place.js';
import { tamperingContract } from './tampering.contract.js';

tamperingContract('file:', () => FolderPlace.open());
