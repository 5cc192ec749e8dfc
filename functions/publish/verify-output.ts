import { FixedContent } from '../../nix/fixed-content.ts'
import type { FixedOutput } from '../../nix/fixed-output.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { PublishedPath } from '../shared/records.ts'
import type { Publication } from './publication.ts'
import { readStagedNar } from './read-staged-nar.ts'
import { FixedContentDiffers, FixedOutputRefers, ReferencesDiffer, StagedResultInvalid } from './refusals.ts'
import { readStagedNarInfo } from './staged-result.ts'

/** What must be known of an output to judge its bytes. */
export interface ExpectedOutput {
  path: StorePath
  drvPath: StorePath
  /** everything that it may refer to, itself and its siblings included */
  candidates: StorePath[]
  fixedOutput?: FixedOutput | undefined
  /** it may mention whatever it likes, and refers to nothing (`unsafeDiscardReferences`) */
  discardsReferences: boolean
}

/**
 * Proves one output from its staged bytes, read once: everything that its narinfo says, its references by a scan, and the content of a fixed output
 * by its declared hash.
 * @throws StagedResultInvalid, StagedBytesDiffer, NarOverLimit, FixedContentDiffers, FixedOutputRefers, ReferencesDiffer
 */
export async function verifyOutput(
  publication: Publication,
  { path, drvPath, candidates, fixedOutput, discardsReferences }: ExpectedOutput,
): Promise<PublishedPath> {
  const info = await readStagedNarInfo(publication, path)
  if (info.deriver !== undefined && info.deriver !== drvPath)
    throw new StagedResultInvalid(
      `the staged narinfo of ${path} names the deriver ${info.deriver} and not ${drvPath}`,
    )
  const content = fixedOutput === undefined ? undefined : new FixedContent(fixedOutput)
  const { narHash, narSize, references, ...where } = await readStagedNar(
    publication,
    info,
    candidates,
    content,
  )
  if (fixedOutput !== undefined) checkFixed(path, fixedOutput, content?.hash(), references)
  const { fileHash, fileSize } = info
  const proved = { storePath: path, narHash, narSize, fileHash, fileSize, ...where }
  // A builder's Nix 2.8 does not know unsafeDiscardReferences, and declares what it found.
  if (discardsReferences && info.references.length === 0) return { ...proved, references: [] }
  checkScan(path, info.references, references)
  return { ...proved, references }
}

function checkFixed(
  path: StorePath,
  declared: FixedOutput,
  found: string | undefined,
  references: StorePath[],
): void {
  if (found !== declared.hash) throw new FixedContentDiffers(path, declared, found)
  if (references.length > 0) throw new FixedOutputRefers(path, references)
}

function checkScan(path: StorePath, declared: StorePath[], found: StorePath[]): void {
  const undeclared = found.filter((reference) => !declared.includes(reference))
  const absent = declared.filter((reference) => !found.includes(reference))
  if (undeclared.length + absent.length > 0) throw new ReferencesDiffer(path, undeclared, absent)
}
