import Glibc
import Systemd
import Testing

@Suite("CredentialsDirectory") struct CredentialsDirectoryTests {
    /// A folder that is gone after the test.
    private final class Folder {
        let path: String

        init() {
            var template = Array("/tmp/martlet-credentials.XXXXXX".utf8CString)
            self.path = String(cString: mkdtemp(&template))
        }

        func write(_ name: String, _ bytes: [UInt8]) {
            let descriptor = open("\(self.path)/\(name)", O_WRONLY | O_CREAT, 0o600)
            _ = Glibc.write(descriptor, bytes, bytes.count)
            close(descriptor)
        }

        deinit {
            for name in ["one", "two", "three"] { unlink("\(self.path)/\(name)") }
            rmdir(self.path)
        }
    }

    @Test func `a credential comes without its final line break`() throws {
        let folder = Folder()
        folder.write("one", Array("hunter2 \n".utf8))
        folder.write("two", Array("a\nb\r\n".utf8))
        let directory = CredentialsDirectory(path: folder.path)
        #expect(try directory.text("one") == "hunter2 ")
        #expect(try directory.text("two") == "a\nb")
        #expect(try directory.text("three") == nil)
    }

    @Test(arguments: ["../one", "", "..", ".", "a/b", "a\0b"])
    func `a name that leaves the folder is refused`(name: String) {
        #expect { try CredentialsDirectory(path: "/etc").text(name) } throws: {
            ($0 as? SystemdError)?.code == .credentialUnreadable
        }
    }

    @Test func `neither a huge nor a binary credential is taken, and the error shows none of it`() {
        let folder = Folder()
        folder.write("one", [UInt8](repeating: 0x61, count: 1 << 20 + 1))
        folder.write("two", [0x73, 0xFF, 0xFE])
        for name in ["one", "two"] {
            #expect { try CredentialsDirectory(path: folder.path).text(name) } throws: { error in
                (error as? SystemdError)?.code == .credentialUnreadable && !"\(error)".contains("aaa")
            }
        }
    }
}
