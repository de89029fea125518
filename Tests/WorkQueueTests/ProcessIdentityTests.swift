import Foundation
import Glibc
import Testing

@testable import WorkQueue

@Suite("Process identity") struct ProcessIdentityTests {
    @Test func `reads what it wrote`() throws {
        let own = ProcessIdentity.current
        #expect(ProcessIdentity(own.description) == own)
        #expect(own.pid == getpid() && !own.hasEnded)
    }

    @Test(arguments: ["", "host", "host/command", "host/12", "host/0/1/1", "host/-1/1/1", "host/1/x/1", "a/b/1/2/3"])
    func `anything else names nobody`(text: String) {
        #expect(ProcessIdentity(text) == nil)
    }

    @Test func `the next process with the number of a dead one is another`() throws {
        let own = ProcessIdentity.current
        let earlier = try #require(
            ProcessIdentity("\(own.host)/\(own.pid)/\(own.start - 1)/\(own.namespace)"))
        #expect(earlier.hasEnded)
    }

    @Test func `nothing is known of other hosts and of other namespaces`() throws {
        let own = ProcessIdentity.current
        for text in ["elsewhere/\(own.pid)/1/\(own.namespace)", "\(own.host)/\(own.pid)/1/7"] {
            #expect(try #require(ProcessIdentity(text)).hasEnded == false)
        }
    }

    @Test func `a dead process that nobody collected has ended`() throws {
        var pid: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("600"), nil]
        defer { for argument in arguments { free(argument) } }
        try #require(posix_spawn(&pid, "/bin/sleep", nil, nil, &arguments, nil) == 0)
        let child = try #require(ProcessIdentity(pid: pid))
        #expect(!child.hasEnded)
        kill(pid, SIGKILL)
        var information = siginfo_t()
        // Waits without collecting.
        #expect(waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == 0)
        #expect(child.hasEnded)
        #expect(waitpid(pid, nil, 0) == pid)
        #expect(child.hasEnded)
    }
}
