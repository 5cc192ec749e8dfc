import type { Guard } from './guard.ts'
import { DOORS } from './guards/doors.ts'
import { EVALUATION } from './guards/evaluation.ts'
import { MACHINES } from './guards/machines.ts'
import { MODES } from './guards/modes.ts'
import { NAR_FORM } from './guards/nar-form.ts'
import { PUBLICATION } from './guards/publication.ts'
import { ROLES } from './guards/roles.ts'
import { STAGED_BYTES } from './guards/staged-bytes.ts'
import { STAGED_WORDS } from './guards/staged-words.ts'
import { TOKENS } from './guards/tokens.ts'
import { UPSTREAMS } from './guards/upstreams.ts'
import { WORDS } from './guards/words.ts'

/** Every guard of design sections 4 and 6, each with the test that fails without it. */
export const GUARDS: Guard[] = [
  ...STAGED_BYTES,
  ...NAR_FORM,
  ...STAGED_WORDS,
  ...PUBLICATION,
  ...EVALUATION,
  ...UPSTREAMS,
  ...DOORS,
  ...MACHINES,
  ...ROLES,
  ...MODES,
  ...WORDS,
  ...TOKENS,
]
