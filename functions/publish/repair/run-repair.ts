import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type * as z from 'zod/mini'
import { publicKeyOf } from '../../../nix/signature.ts'
import { currentConfig } from '../../shared/config.ts'
import { logger } from '../../shared/lambda.ts'
import type { Bucket } from '../../shared/objects.ts'
import { currentKeys } from '../../shared/verification/current-keys.ts'
import type { RepairResult } from '../../shared/verification/repair-request.ts'
import { readSigningKeys } from '../signing-keys.ts'
import { repair, type RepairInput } from './repair.ts'

export interface RepairParts {
  cache: Bucket
  state: Bucket
  secrets: SecretsManagerClient
  /** of the signing keys */
  secretId: string
}

/** The repair mode of Publish. What a key signs that signs now is never unsigned, whatever the public record of the keys says. */
export async function runRepair(
  { request, execution }: z.output<typeof RepairInput>,
  { cache, state, secrets, secretId }: RepairParts,
): Promise<{ results: RepairResult[] }> {
  const { config } = await currentConfig(state)
  const signing = await readSigningKeys(secrets, secretId)
  const keys = [...signing.map(publicKeyOf), ...(await currentKeys(state))]
  const world = { cache, state, upstreams: config.upstreams, keys, now: Date.now }
  const results = await repair(world, request, execution)
  for (const { key, outcome, because } of results)
    if (outcome === 'quarantined') logger.warn('narinfo quarantined', { key, because })
  return { results }
}
