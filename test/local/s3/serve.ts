import { startSignedServer } from './signed-server.ts'

/** The server as a process of its own, for tests that kill it: prints its endpoint, and runs until then. */
const [folder = ''] = process.argv.slice(2)
const server = await startSignedServer({ folder })
server.createBucket('cache')
console.log(server.endpoint)
