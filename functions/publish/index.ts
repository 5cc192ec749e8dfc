import { S3Client } from '@aws-sdk/client-s3'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { putDirectly } from '../shared/direct-puts.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { lambda } from '../shared/lambda.ts'
import { KeysInput, runKeyChange } from './keys/run-key-change.ts'
import { BuildInput, publishBuild } from './publish-build.ts'
import { InputsInput, publishInputs } from './publish-inputs.ts'
import { RepairInput } from './repair/repair.ts'
import { runRepair } from './repair/run-repair.ts'
import { IndexInput, runIndexRebuild } from './rebuild-index.ts'

const s3 = putDirectly(new S3Client({ cacheMiddleware: true }))
const secrets = new SecretsManagerClient({})
const state = { s3, name: requireEnvironment('STATE_BUCKET') }
const staging = { s3, name: requireEnvironment('STAGING_BUCKET') }
const cache = { s3, name: requireEnvironment('CACHE_BUCKET') }

const PublishInput = z.discriminatedUnion('mode', [
  BuildInput,
  InputsInput,
  KeysInput,
  RepairInput,
  IndexInput,
])

/** Publish, the only one that ever holds a signing key: publishes what a build or, of a flake's inputs, an evaluator staged, changes the keys and re-signs what is published, takes what is broken out of sight, or makes the index again. */
export const handler = lambda(PublishInput, async (input, context) => {
  const parts = { secrets, secretId: requireEnvironment('SIGNING_KEY'), state, cache }
  if (input.mode === 'inputs')
    return publishInputs(input, {
      ...parts,
      staging,
      evaluatorRoleId: requireEnvironment('EVALUATOR_ROLE_ID'),
    })
  if (input.mode !== 'keys' && input.mode !== 'repair' && input.mode !== 'index') {
    const builderRoleId = requireEnvironment('BUILDER_ROLE_ID')
    const workerRoleId = requireEnvironment('WORKER_ROLE_ID')
    return publishBuild(input, { ...parts, staging, builderRoleId, workerRoleId }, () =>
      context.getRemainingTimeInMillis(),
    )
  }
  if (input.mode === 'index') return runIndexRebuild(parts)
  if (input.mode === 'repair') return runRepair(input, parts)
  return runKeyChange(input, { ...parts, deployment: requireEnvironment('DEPLOYMENT') })
})
