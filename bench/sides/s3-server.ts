import { OPERATOR } from '../../local/gateway/credentials.ts'
import { createS3 } from '../../local/s3/s3-service.ts'
import { serveUntilStopped } from '../serve-until-stopped.ts'

/** The local S3 by itself: everybody may do everything, as at the HTTP store that it is compared with. Arguments: the folder. */
const [folder = ''] = process.argv.slice(2)
const s3 = createS3({ folder })
serveUntilStopped(
  folder,
  (request, response) => {
    s3.handle(request, response, { caller: OPERATOR, authorize: () => undefined }).catch((error: unknown) => {
      console.error(error)
      response.destroy()
    })
  },
  () => s3.close(),
)
