import DeskModel
import Testing

@Suite("BaseSubject") struct BaseSubjectTests {
    @Test(arguments: [
        ("Re: Fwd: AW: parcel", "parcel"), ("[shop] Re: parcel (fwd)", "parcel"), ("Re[2]: parcel", "parcel"),
        ("RE : parcel", "parcel"), ("回复：parcel", "parcel"), ("Report: parcel", "Report: parcel"), ("[only]", "[only]"),
        ("", ""),
    ])
    func `drops the marks of replies and forwards`(subject: String, expected: String) {
        #expect(BaseSubject.of(subject) == expected)
    }

    @Test func `knows a reply`() {
        #expect(BaseSubject.isReply("Re: x"))
        #expect(!BaseSubject.isReply("Regarding x"))
    }
}
