/// What an element is to the layout of a text, found with one look at its name.
struct HTMLElementKind: OptionSet {
    let rawValue: UInt8

    /// Has no content and no end tag.
    static let void = HTMLElementKind(rawValue: 1)
    /// Stands on lines of its own.
    static let block = HTMLElementKind(rawValue: 2)
    /// With an empty line around it.
    static let spaced = HTMLElementKind(rawValue: 4)
    /// Its content is not shown.
    static let unseen = HTMLElementKind(rawValue: 8)

    /// - Parameter name: lower case.
    static func of(_ name: String) -> HTMLElementKind { Self.kinds[name] ?? [] }

    private static let kinds: [String: HTMLElementKind] = {
        var kinds: [String: HTMLElementKind] = [:]
        for name in Self.voids { kinds[name, default: []].insert(.void) }
        for name in Self.blocks { kinds[name, default: []].insert(.block) }
        for name in Self.spaces { kinds[name, default: []].insert(.spaced) }
        for name in Self.hidden { kinds[name, default: []].insert(.unseen) }
        return kinds
    }()

    private static let voids: Set<String> = [
        "br", "img", "hr", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr", "o:p",
        "frame",
    ]
    private static let blocks: Set<String> = [
        "div", "p", "table", "tr", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "section",
        "article", "header", "footer", "center", "address", "dl", "dt", "dd", "form", "fieldset", "main", "nav",
        "aside",
        "figure", "figcaption", "body", "html", "caption", "thead", "tbody", "tfoot", "hr",
    ]
    private static let spaces: Set<String> = [
        "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "dl",
    ]
    private static let hidden: Set<String> = [
        "head", "script", "style", "title", "noscript", "template", "object", "applet", "select", "svg", "math", "map",
        "audio", "video", "iframe", "noframes", "textarea",
    ]
}
