//! The results as a picture: bars of multiples of the floor, and the goals.

use std::fmt::Write as _;

use crate::contender::Contender;
use crate::stage::Outcome;

const LEFT: f64 = 340.0;
const WIDTH: f64 = 400.0;
const ROW: f64 = 46.0;
const TOP: f64 = 64.0;
const BAR: f64 = 15.0;

/// Colours that do on white and on black; text takes the reader's.
const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.quiet { fill: #57606a; font-size: 12px }
.pop3get { fill: #2da44e } .mpop { fill: #8c959f }
.line { stroke: #57606a; stroke-width: 1 } .goal { stroke: #cf222e; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .line { stroke: #9198a1 } .goal { stroke: #ff7b72 }
}";

pub(crate) fn svg(outcomes: &[Outcome]) -> String {
    let ratios = outcomes.iter().flat_map(|outcome| {
        let contenders = [Contender::Pop3get, Contender::Mpop].map(|it| outcome.ratio(it));
        contenders.into_iter().flatten().chain(outcome.workload.goal)
    });
    let most = ratios.fold(2.0, f64::max);
    let scale = Scale { unit: WIDTH / most };
    let rows = f64::from(u32::try_from(outcomes.len()).unwrap_or(u32::MAX));
    let (width, height) = (LEFT + WIDTH + 60.0, TOP + rows * ROW + 12.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"Multiples of the floor\">\n<style>{STYLE}</style>\n"
    );
    legend(&mut svg);
    let bottom = height - 8.0;
    let one = scale.x(1.0);
    put(
        &mut svg,
        format_args!(
            "<line class=\"line\" x1=\"{one:.1}\" x2=\"{one:.1}\" y1=\"{}\" y2=\"{bottom}\"/>",
            TOP - 10.0
        ),
    );
    let mut y = TOP;
    for outcome in outcomes {
        bars(&mut svg, outcome, &scale, y);
        y += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

struct Scale {
    unit: f64,
}

impl Scale {
    fn x(&self, ratio: f64) -> f64 {
        LEFT + self.unit * ratio
    }
}

fn put(svg: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(svg, "{element}").expect("a string takes anything");
}

fn legend(svg: &mut String) {
    let title = "Time to fetch, as a multiple of a raw download";
    put(svg, format_args!("<text x=\"8\" y=\"20\">{title} (the line at 1)</text>"));
    let mut x = 8.0;
    for name in ["pop3get", "mpop"] {
        put(
            svg,
            format_args!("<rect class=\"{name}\" x=\"{x}\" y=\"32\" width=\"12\" height=\"12\"/>"),
        );
        put(svg, format_args!("<text class=\"quiet\" x=\"{}\" y=\"42\">{name}</text>", x + 18.0));
        x += 84.0;
    }
    put(svg, format_args!("<line class=\"goal\" x1=\"{x}\" x2=\"{x}\" y1=\"31\" y2=\"45\"/>"));
    put(svg, format_args!("<text class=\"quiet\" x=\"{}\" y=\"42\">goal</text>", x + 8.0));
}

fn bars(svg: &mut String, outcome: &Outcome, scale: &Scale, y: f64) {
    let title = &outcome.workload.title;
    put(
        svg,
        format_args!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{title}</text>",
            LEFT - 10.0,
            y + 19.0
        ),
    );
    let mut top = y;
    for contender in [Contender::Pop3get, Contender::Mpop] {
        if let Some(ratio) = outcome.ratio(contender) {
            let (name, width) = (contender.name(), scale.unit * ratio);
            put(
                svg,
                format_args!(
                    "<rect class=\"{name}\" x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"{BAR}\"/>"
                ),
            );
            let end = scale.x(ratio.max(outcome.workload.goal.unwrap_or(0.0))) + 6.0;
            put(
                svg,
                format_args!(
                    "<text class=\"quiet\" x=\"{end:.1}\" y=\"{}\">{ratio:.2}</text>",
                    top + 12.0
                ),
            );
        }
        top += BAR + 1.0;
    }
    let Some(goal) = outcome.workload.goal.map(|goal| scale.x(goal)) else { return };
    put(
        svg,
        format_args!(
            "<line class=\"goal\" x1=\"{goal:.1}\" x2=\"{goal:.1}\" y1=\"{}\" y2=\"{}\"/>",
            y - 3.0,
            y + BAR + 1.0
        ),
    );
}
