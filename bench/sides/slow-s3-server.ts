import { setTimeout as sleep } from 'node:timers/promises'
import { OPERATOR } from '../../local/gateway/credentials.ts'
import { createS3 } from '../../local/s3/s3-service.ts'
import { LATENCY_MS } from '../plan-buckets.ts'
import { serveUntilStopped } from '../serve-until-stopped.ts'

/** The local S3 as far away as a bucket in the same region: every answer comes 20 ms late. Everybody may do everything. Arguments: the folder. */
const [folder = ''] = process.argv.slice(2)
const s3 = createS3({ folder })
serveUntilStopped(
  folder,
  (request, response) => {
    sleep(LATENCY_MS)
      .then(async () => s3.handle(request, response, { caller: OPERATOR, authorize: () => undefined }))
      .catch((error: unknown) => {
        console.error(error)
        response.destroy()
      })
  },
  () => s3.close(),
)
