import { forEachAtOnce } from '../../../functions/shared/at-once.ts'
import type { Upstream } from '../../../functions/shared/contract.ts'
import { cacheKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { type Bucket, findObject } from '../../../functions/shared/objects.ts'
import { cacheObjectOf } from '../../../functions/shared/verification/cache-object.ts'
import { checkNar } from '../../../functions/shared/verification/check-nar.ts'
import { confirmNar } from '../../../functions/shared/verification/confirm-nar.ts'
import { findInUpstreams, isInCache } from '../../../functions/shared/verification/find-path.ts'
import { IN_PROGRESS_MS } from '../../../functions/shared/verification/in-progress.ts'
import { readNarInfo } from '../../../functions/shared/verification/read-narinfo.ts'
import type { PublicKey } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { checkCacheInfo } from './check-cache-info.ts'
import type { Inventory } from './inventory.ts'
import { listObjects, type ListedObject } from '../../../functions/shared/list-objects.ts'
import { type Progress, shareOfHashPart } from './progress.ts'
import { recallInOrder } from './recall-in-order.ts'

export interface Verification {
  cache: Bucket
  /** where quarantined narinfos lie */
  state: Bucket
  upstreams: Upstream[]
  /** a narinfo must be signed by one of them */
  keys: PublicKey[]
  /** looks at narinfos whose hash part begins so, and at nothing that takes a look at all of them */
  prefix?: string | undefined
  /** downloads every NAR, too */
  content: boolean
  progress: Progress
  now?: () => number
}

/** What there was to look at. */
export interface Counts {
  narinfos: number
  nars: number
  /** of all NARs */
  narBytes: number
  logs: number
  /** paths that are referred to and come from a declared upstream */
  upstreamPaths: number
  /** NARs younger than an hour that no narinfo names: they may be being published */
  inProgress: number
  /** NARs of quarantined narinfos */
  quarantined: number
}

// Each costs 1.3 ms of CPU in the SDK, and S3 answers within 30 ms: 24 keep a core busy, and more only take memory.
const REQUESTS = 24
// An upstream is somebody else's: nixpkgs' CDN takes more than this from any Nix client (http-connections = 25).
const UPSTREAM_REQUESTS = 25
// Each takes a window of zstd, and there are few cores to unpack with.
const DOWNLOADS = 4

/**
 * Looks at everything in a cache bucket; what is wrong is in the inventory afterwards. Whatever depends on two objects is asked again before it
 * is called a fault: a listing takes minutes, and a path may have been published behind its back.
 */
export async function verifyCache(inventory: Inventory, verification: Verification): Promise<Counts> {
  const { cache, progress, prefix, now = Date.now } = verification
  const before = new Date(now() - IN_PROGRESS_MS)
  const counts = await readBucket(inventory, verification)
  if (prefix === undefined) {
    inventory.addFaults(checkCacheInfo(await textOf(cache, cacheKeys.info)))
    await readQuarantine(inventory, verification)
    Object.assign(counts, inventory.addOrphanFaults(before))
    inventory.addOutputsApartFaults(before)
  }
  await confirmNars(inventory, verification)
  counts.upstreamPaths = await findReferences(inventory, verification)
  if (verification.content) await readNars(inventory, verification)
  progress.end()
  return counts
}

/** One listing of the bucket, and every narinfo in it read while the listing goes on. */
async function readBucket(
  inventory: Inventory,
  { cache, keys, prefix, progress }: Verification,
): Promise<Counts> {
  const counts: Counts = {
    narinfos: 0,
    nars: 0,
    narBytes: 0,
    logs: 0,
    upstreamPaths: 0,
    inProgress: 0,
    quarantined: 0,
  }
  progress.begin('reading narinfos')
  async function* narinfos(): AsyncGenerator<ListedObject & { hashPart: string }> {
    for await (const listed of listObjects(cache, prefix)) {
      const object = cacheObjectOf(listed.key)
      switch (object.kind) {
        case 'narinfo':
          counts.narinfos++
          yield { ...listed, hashPart: object.hashPart }
          break
        case 'nar':
          counts.nars++
          counts.narBytes += listed.size
          inventory.addNar(object.fileHash, listed.size, listed.modified)
          break
        case 'log':
          counts.logs++
          break
        case 'foreign':
          inventory.addFaults([foreign(listed)])
          break
        case 'info':
      }
    }
  }
  await forEachAtOnce(narinfos(), REQUESTS, async ({ key, hashPart, modified }) => {
    const read = await readNarInfo(cache, key, keys)
    progress.step(1, prefix === undefined ? shareOfHashPart(hashPart) : undefined)
    // deleted since it was listed
    if (read === undefined) return
    inventory.addFaults(read.faults)
    inventory.addNarInfo(hashPart, read, modified)
  })
  return counts
}

function foreign({ key, size }: ListedObject): { fault: 'foreign-object'; key: string; detail: string } {
  return { fault: 'foreign-object', key, detail: `${size} bytes; Hearth writes nothing of this name` }
}

async function readQuarantine(inventory: Inventory, { state, progress }: Verification): Promise<void> {
  progress.begin('reading quarantined narinfos')
  const prefix = stateKeys.quarantined('')
  await forEachAtOnce(listObjects(state, prefix), REQUESTS, async ({ key }) => {
    const cacheKey = key.slice(prefix.length)
    const object = cacheObjectOf(cacheKey)
    if (object.kind !== 'narinfo') return
    const read = await readNarInfo(state, cacheKey, [], prefix)
    progress.step()
    inventory.addQuarantined(object.hashPart, read?.nar, read?.info?.deriver)
  })
}

async function confirmNars(inventory: Inventory, { cache, progress }: Verification): Promise<void> {
  progress.begin('asking for NARs that were not listed')
  await forEachAtOnce(inventory.narsToConfirm(), REQUESTS, async ({ key, nar, fileSize }) => {
    const fault = await confirmNar(cache, key, nar, fileSize)
    if (fault !== undefined) inventory.addFaults([fault])
    progress.step()
  })
}

/** @returns how many paths come from upstreams */
async function findReferences(
  inventory: Inventory,
  { cache, state, upstreams, progress, now }: Verification,
): Promise<number> {
  let elsewhere = 0
  const memory = recallInOrder(state, now)
  progress.begin('asking upstreams', inventory.absentReferenceCount())
  await forEachAtOnce(inventory.absentReferences(), UPSTREAM_REQUESTS, async ({ id, path }) => {
    // upstreams first: most of what we do not have is theirs
    const where = await findInUpstreams(upstreams, path, memory)
    if (where === 'elsewhere') elsewhere++
    if (where !== 'elsewhere' && (await isInCache(cache, path))) inventory.found(id, 'elsewhere')
    else if (where !== 'absent') inventory.found(id, where)
    progress.step()
  })
  inventory.addClosureFaults()
  return elsewhere
}

async function readNars(inventory: Inventory, { cache, keys, progress }: Verification): Promise<void> {
  progress.begin('reading NARs', inventory.pathCount())
  await forEachAtOnce(inventory.paths(), DOWNLOADS, async ({ id, path }) => {
    const read = await readNarInfo(cache, cacheKeys.narinfo(hashPartOf(path)), keys)
    if (read?.info !== undefined && read.nar !== undefined) {
      const faults = await checkNar(cache, read.info, read.nar, inventory.closureOf(id))
      // that it is not there was found already
      inventory.addFaults(faults.filter(({ fault }) => fault !== 'nar-missing'))
    }
    progress.step()
  })
}

async function textOf(cache: Bucket, key: string): Promise<string | undefined> {
  const found = await findObject(cache, key, 64 * 1024)
  return found === undefined ? undefined : Buffer.from(found.bytes).toString('utf8')
}
