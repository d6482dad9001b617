//! What a message wants when it is not a search: help, orders, a refund, the next page.

use std::sync::LazyLock;

use regex::Regex;

use super::regex;
use crate::language::Lang;

/// A wish that a few fixed phrases express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Greeting,
    Help,
    Thanks,
    Orders,
    Pay,
    Refund,
    Change,
    /// Drop what is going on.
    Cancel,
    Later,
    Earlier,
    PreviousDay,
    NextDay,
    /// The same journey backwards.
    Return,
    /// The stops of a train.
    Stops,
    /// A person to talk to.
    Human,
    Language(Lang),
}

/// The first intent whose pattern the (normalised, lower-case) text matches.
pub fn of(text: &str) -> Option<Intent> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "!！。.?？~,，、".contains(c));
    PATTERNS.iter().find(|(pattern, _)| pattern.is_match(text)).map(|(_, intent)| *intent)
}

/// Those that must be the whole message are anchored: `hi` is a greeting, `Hefei` is not.
static PATTERNS: LazyLock<Vec<(Regex, Intent)>> = LazyLock::new(|| {
    [
        (r"^(?:switch to |speak |in )?english(?: please)?$|^英[文语]$|(?:说|用|换成?|切换到?)英[文语]", Intent::Language(Lang::En)),
        (r"^中[文国]话?$|^汉语$|^(?:switch to |speak |in )?(?:chinese|mandarin)(?: please)?$|(?:说|用|换成?|切换到?)中文", Intent::Language(Lang::Zh)),
        (r"退票|退款|退钱|退掉|\brefund\b|\breturn my ticket\b|\bmoney back\b", Intent::Refund),
        (r"改签|改票|改期|变更到站|换(?:一?个)?车次|\b(?:change|reschedule|rebook|modify)\b.*\b(?:ticket|train|booking|order|trip)\b|^(?:change|reschedule|rebook)$", Intent::Change),
        (r"支付|付款|付钱|去付|^pay\b|\bpayment\b|\bpay (?:now|for)\b", Intent::Pay),
        (r"我的(?:订单|车票|票|行程)|^(?:查|看|查看|查询)?订单|\b(?:my )?(?:orders?|bookings?|tickets? i (?:have|bought))\b|\bmy (?:tickets?|trips?)\b", Intent::Orders),
        (r"时刻表?|经停|停哪些?站|停靠|\btimetable\b|\bstops\b|\bwhere does\b.*\bstop\b", Intent::Stops),
        (r"人工|客服|真人|\b(?:human|agent|operator|hotline|customer service|real person)\b", Intent::Human),
        (r"返程|回程|\b(?:return|reverse|way back)\b", Intent::Return),
        (r"前一天|早一天|提前一天|\b(?:previous|earlier) day\b|\bday before\b|\bone day earlier\b", Intent::PreviousDay),
        (r"后一天|晚一天|第二天|次日|\b(?:next|following|later) day\b|\bone day later\b", Intent::NextDay),
        (r"晚一?点|更晚|下一[页批]|^更多|还有(?:吗|没有|别的)|\blater\b|^more\b|\bnext page\b", Intent::Later),
        (r"早一?点|更早|上一[页批]|\bearlier\b|\bprevious page\b", Intent::Earlier),
        (r"^(?:取消|算了|不要了?|不买了?|不用了?|停止|退出|重来|重新开始|cancel|quit|stop|never ?mind|start over|reset|forget it|no)$|取消订单|\bcancel (?:my |the )?order\b", Intent::Cancel),
        (r"^(?:多?谢谢?你?您?|感谢|谢了|thanks?|thank you|thx|cheers)(?: very much| a lot)?[啊呀啦]?$", Intent::Thanks),
        (r"^(?:帮助|帮忙|怎么用|使用说明|菜单|功能|help|menu|info|usage|how does (?:this|it) work)$|你(?:能|会|可以)(?:做|干)?(?:什么|啥)|what can you do", Intent::Help),
        (r"^(?:你好|您好|哈喽|嗨|喂|在吗|早安?|早上好|上午好|下午好|晚上好|hi|hello|hey|hi there|hello there|good (?:morning|afternoon|evening)|good|好|start|开始|12306)[呀啊吗!！。. ]*$", Intent::Greeting),
    ]
    .into_iter()
    .map(|(pattern, intent)| (regex(pattern), intent))
    .collect()
});
