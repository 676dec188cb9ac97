"""Why somebody got no message, as a sentence a marketer reads; one table for reports, pages and terminal."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: dict[str, dict[str, str]] = {
    "en": {
        "not_in_audience": "Not in the audience",
        "excluded": "Excluded by the campaign",
        "source_stale": "Customer data too old to rely on",
        "already_inside": "Already inside this campaign",
        "reentry": "Took part too recently",
        "backlog": "In the segment before the campaign began",
        "entry_too_old": "Entered the segment too long ago",
        "exited": "Left the campaign before this step",
        "no_channel": "No channel that may be used",
        "missing_address": "No address",
        "invalid_address": "Address not valid",
        "shared_address": "Address shared by many customers",
        "already_planned": "Already has this message",
        "enrolled": "Inside now, the first message comes later",
        "address_in_plan": "Same address already in this plan",
        "suppressed": "Unsubscribed, bounced or complained",
        "no_consent": "No consent for this purpose",
        "country_policy": "Not allowed in their country",
        "plugin": "Ruled out by the company rule “{name}”",
        "too_few_recommendations": "Too few products to recommend",
        "frequency_cap": "Enough messages lately",
        "limit": "Beyond the limit of this run",
        "control_group": "In the global control group",
        "address_changed": "Address changed since the plan",
        "merged": "Turned out to be a person who has this message",
        "no_provider": "No provider carries this channel now",
        "holdout": "Held out, to measure the effect",
    },
    "vi": {
        "not_in_audience": "Không thuộc đối tượng",
        "excluded": "Bị chiến dịch loại trừ",
        "source_stale": "Dữ liệu khách hàng quá cũ",
        "already_inside": "Đang ở trong chiến dịch này",
        "reentry": "Vừa tham gia gần đây",
        "backlog": "Đã ở trong phân khúc trước khi chiến dịch bắt đầu",
        "entry_too_old": "Vào phân khúc đã quá lâu",
        "exited": "Đã rời chiến dịch trước bước này",
        "no_channel": "Không có kênh nào được phép dùng",
        "missing_address": "Không có địa chỉ",
        "invalid_address": "Địa chỉ không hợp lệ",
        "shared_address": "Địa chỉ dùng chung bởi nhiều khách hàng",
        "already_planned": "Đã có tin nhắn này",
        "enrolled": "Đã vào chiến dịch, tin đầu tiên gửi sau",
        "address_in_plan": "Địa chỉ đã có trong kế hoạch này",
        "suppressed": "Đã hủy đăng ký, bị trả lại hoặc khiếu nại",
        "no_consent": "Chưa đồng ý cho mục đích này",
        "country_policy": "Quốc gia của họ không cho phép",
        "plugin": "Quy tắc “{name}” của công ty không cho phép",
        "too_few_recommendations": "Quá ít sản phẩm để gợi ý",
        "frequency_cap": "Gần đây đã nhận đủ tin",
        "limit": "Vượt giới hạn của lần chạy này",
        "control_group": "Thuộc nhóm đối chứng chung",
        "address_changed": "Địa chỉ đã đổi sau khi lập kế hoạch",
        "merged": "Trùng với một người đã có tin nhắn này",
        "no_provider": "Hiện không có nhà cung cấp cho kênh này",
        "holdout": "Giữ lại để đo hiệu quả",
    },
    "zh": {
        "not_in_audience": "不在目标人群中",
        "excluded": "被活动排除",
        "source_stale": "客户数据过旧，不可靠",
        "already_inside": "已在此活动中",
        "reentry": "近期已参加过",
        "backlog": "活动开始前已在该细分中",
        "entry_too_old": "进入细分的时间过早",
        "exited": "在此步骤前已退出活动",
        "no_channel": "没有可用的渠道",
        "missing_address": "没有地址",
        "invalid_address": "地址无效",
        "shared_address": "地址由多位客户共用",
        "already_planned": "已有这条消息",
        "enrolled": "已进入活动,首条消息稍后发送",
        "address_in_plan": "同一地址已在本计划中",
        "suppressed": "已退订、退信或投诉",
        "no_consent": "未同意此用途",
        "country_policy": "所在国家不允许",
        "plugin": "公司规则“{name}”不允许",
        "too_few_recommendations": "可推荐的商品太少",
        "frequency_cap": "近期消息已达上限",
        "limit": "超出本次运行的限额",
        "control_group": "属于全局对照组",
        "address_changed": "计划之后地址已变更",
        "merged": "与已有此消息者为同一人",
        "no_provider": "目前没有服务商承接此渠道",
        "holdout": "留作对照，用于衡量效果",
    },
}


def in_gate_order(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons and their counts in the order in which the gates ask; one that the table lacks comes last."""
    place = {code: number for number, code in enumerate(REASONS["en"])}
    return sorted(reasons.items(), key=lambda item: place.get(item[0].partition(":")[0], len(place)))


def reason_sentence(code: str, language: str) -> str:
    """The sentence for a reason code, in English where the language is not known.

    `plugin:<name>` names the company's rule, `source_stale:<name>` the table; a code that the table lacks comes back as
    it is.
    """
    table = REASONS.get(language, REASONS["en"])
    kind, _, name = code.partition(":")
    if kind == "plugin" and name:
        return table["plugin"].format(name=name)
    if kind == "source_stale" and name:
        return f"{table[kind]} ({name})"
    return table.get(code, code)
