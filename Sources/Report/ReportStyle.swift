/// The style sheet of the page: light and dark, for screens of any width and for paper.
enum ReportStyle {
    static let sheet = """
        :root{--paper:#fff;--raised:#f6f8fa;--ink:#1c2128;--muted:#57606a;--line:#d8dee4;--blue:#0b62ab;--orange:#b34700;--green:#00734f;
        --purple:#7b3aa8;--grey:#6a737d;--accent:#0b62ab;--tint:#4c9be8;--good:#00734f;--bad:#b42318;color-scheme:light dark}
        @media (prefers-color-scheme:dark){:root{--paper:#14181d;--raised:#1c2229;--ink:#e6e9ed;--muted:#a8b2bd;--line:#343d47;
        --blue:#6cb6f5;--orange:#ff9f66;--green:#48cf9f;--purple:#cfa0f2;--grey:#98a2ad;--accent:#6cb6f5;--tint:#2a5f96;--good:#48cf9f;
        --bad:#ff8b80}}
        *{box-sizing:border-box}
        html{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;background:var(--paper);
        color:var(--ink);-webkit-text-size-adjust:100%}
        body{margin:0 auto;max-width:1140px;padding:0 20px 48px}
        header{padding:28px 0 4px}
        h1{font-size:1.9rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
        h2{font-size:1.4rem;margin:44px 0 10px;padding-top:10px;border-top:1px solid var(--line);overflow-wrap:anywhere}
        h3{font-size:1.12rem;margin:28px 0 6px}
        .run h3{font-size:1.2rem;margin-top:36px}h4{font-size:1.02rem;margin:22px 0 6px}
        .run>h2{border-top:3px solid var(--accent);margin-top:64px}
        p{margin:8px 0;max-width:78ch;overflow-wrap:anywhere}
        .lead{font-size:1.2rem;line-height:1.5;margin:18px 0 12px}
        .note,.notes{color:var(--muted);font-size:.92rem}
        .notes{border-left:4px solid var(--orange);background:var(--raised);padding:6px 14px;margin:16px 0}
        .notes ul{margin:4px 0;padding-left:20px;overflow-wrap:anywhere}
        a{color:var(--accent)}
        .skip{position:absolute;left:-9999px}.skip:focus{left:12px;top:8px;background:var(--paper);padding:6px 10px;z-index:2}
        :focus-visible{outline:3px solid var(--accent);outline-offset:2px}main:focus{outline:none}
        nav ul{list-style:none;margin:12px 0;padding:0;display:flex;flex-wrap:wrap;gap:6px 18px}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
        .figures div{background:var(--raised);border:1px solid var(--line);border-radius:8px;padding:10px 14px;display:flex;
        flex-direction:column-reverse}
        .figures dd{margin:0;font-size:1.6rem;font-weight:650;line-height:1.2;font-variant-numeric:tabular-nums}
        .figures dt{color:var(--muted);font-size:.88rem}
        .scroll{overflow-x:auto;margin:12px 0;max-width:100%}
        table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
        caption{text-align:left;color:var(--muted);font-size:.88rem;padding:2px 0 6px}
        th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:left;vertical-align:bottom}
        thead th{font-weight:600;color:var(--muted);font-size:.86rem;border-bottom:2px solid var(--line)}
        tbody th{font-weight:600}
        .number{text-align:right;white-space:nowrap}tbody th{min-width:8.5em;overflow-wrap:anywhere}
        tbody th code{white-space:nowrap}.matrix tbody th{min-width:0;white-space:nowrap}
        tbody tr:hover{background:var(--raised)}
        .matrix{width:auto}.matrix td{text-align:center;padding:4px 7px;min-width:34px;
        background:color-mix(in srgb,var(--tint) calc(var(--share)*62%),transparent)}
        .matrix td.diagonal{font-weight:700;outline:1px solid var(--grey);outline-offset:-1px}
        .matrix .turned{height:96px;padding:4px 2px;vertical-align:bottom;text-align:center}
        .turned span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:140px;overflow:hidden}
        .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:20px 28px;margin:14px 0}
        figure{margin:0}
        .chart figcaption{font-weight:600;margin-bottom:4px}
        .chart svg{width:100%;height:auto;max-width:640px;display:block;fill:var(--ink);overflow:visible}
        .gallery{list-style:none;margin:10px 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:14px}
        .gallery figure{background:var(--raised);border:1px solid var(--line);border-radius:8px;padding:8px;height:100%;
        display:flex;flex-direction:column;gap:6px}
        .gallery img{max-width:100%;height:132px;object-fit:contain;margin:0 auto;border-radius:4px}
        .missing{height:132px;display:flex;align-items:center;justify-content:center;text-align:center;color:var(--muted);
        border:1px dashed var(--grey);border-radius:4px;padding:6px;font-size:.85rem}
        .gallery figcaption{font-size:.86rem;line-height:1.35;overflow-wrap:anywhere}
        .right{color:var(--good)}.wrong{color:var(--bad);font-weight:600}
        .file{color:var(--muted);font-size:.78rem}
        details{margin:14px 0;border:1px solid var(--line);border-radius:8px;padding:0 14px}
        summary{cursor:pointer;padding:9px 0;font-weight:600}
        details[open]{padding-bottom:12px}
        pre{background:var(--raised);border-radius:6px;padding:12px;overflow-x:auto;font-size:.85rem;line-height:1.45;margin:4px 0}
        code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em;overflow-wrap:anywhere}pre code{font-size:1em}
        .bars{margin:14px 0}
        .key{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;margin:0 0 8px;padding:0;font-size:.88rem}
        .swatch{display:inline-block;width:22px;height:13px;margin-right:6px;vertical-align:-1px;border:1px solid var(--ink)}
        .bar-row{display:flex;align-items:center;gap:10px;margin:3px 0}
        .bar-name{flex:0 0 62px;font-size:.85rem;color:var(--muted);text-align:right}
        .bar{flex:1;display:flex;height:20px;background:var(--raised)}
        .bar span{box-shadow:inset 0 0 0 1px var(--ink)}
        .part-0{background:var(--blue)}
        .part-1{background:repeating-linear-gradient(45deg,var(--paper) 0 4px,var(--orange) 4px 7px)}
        .part-2{background:repeating-linear-gradient(90deg,var(--paper) 0 3px,var(--green) 3px 6px)}
        .part-3{background:repeating-linear-gradient(0deg,var(--paper) 0 3px,var(--purple) 3px 6px)}
        .part-4{background:var(--grey)}
        @media (max-width:600px){body{padding:0 14px 40px}h1{font-size:1.5rem}.lead{font-size:1.08rem}
        .gallery{grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:10px}
        .figures{grid-template-columns:1fr 1fr}.figures dd{font-size:1.3rem}th,td{padding:5px 7px}}
        @media print{body{max-width:none;padding:0}nav,.skip{display:none}h2,h3,h4{break-after:avoid}
        figure,tr,.figures div{break-inside:avoid}.scroll,pre{overflow:visible}pre{white-space:pre-wrap}
        .bar span,.swatch,.matrix td{print-color-adjust:exact}}
        """
}
